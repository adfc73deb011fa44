"""Our stacked tensors under the public release's names: the inverse of `composegan.interop.reference`.

Given the networks, each function answers, for every tensor that the release learns, with the part of `pick(parameter)`
that is that tensor. `pick` is the gradient, or the parameter itself. `checkpoint` makes a whole file's content.
"""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator

Pick = Callable[[Tensor], Tensor]


def gradient(parameter: Tensor) -> Tensor:
    """The gradient, zero where backward did not reach the parameter."""
    return parameter.new_zeros(parameter.shape) if parameter.grad is None else parameter.grad


def generator_tensors(generator: Generator, pick: Pick = gradient) -> dict[str, Tensor]:
    """Everything the release's generator learns."""
    return {
        **_local_tensors(generator, pick),
        **_mapping_tensors(generator, pick),
        **_renderer_tensors(generator, pick),
    }


def _local_tensors(generator: Generator, pick: Pick) -> dict[str, Tensor]:
    bank = generator.local
    found = {"pos_embed.weights": pick(bank.position)}
    of_layers = {
        "conv.weight": pick(bank.weight),  # (L, K, ...)
        "conv.modulation.weight": pick(bank.style_weight),
        "conv.modulation.bias": pick(bank.style_bias),
        "activate.bias": pick(bank.bias),
    }
    of_classes = {
        "to_feat.conv.weight": pick(bank.feature_weight),  # (K, ...)
        "to_feat.conv.modulation": pick(bank.feature_gain),
        "to_feat.bias": pick(bank.feature_bias),
    }
    of_depth = {
        "to_depth.conv.weight": pick(bank.depth_weight),  # (K - 1, ...): class 0 has no depth head
        "to_depth.conv.modulation": pick(bank.depth_gain),
        "to_depth.bias": pick(bank.depth_bias),
    }
    for k in range(bank.classes):
        net = f"local_nets.{k}"
        for i in range(bank.layers):
            found |= {f"{net}.linears.{i}.{part}": stacked[i, k] for part, stacked in of_layers.items()}
        found |= {f"{net}.{part}": stacked[k] for part, stacked in of_classes.items()}
        if k > 0:
            found |= {f"{net}.{part}": stacked[k - 1] for part, stacked in of_depth.items()}
    return found


def _mapping_tensors(generator: Generator, pick: Pick) -> dict[str, Tensor]:
    found = {}
    for i, layer in enumerate(generator.mapping.layers, start=1):  # the release's layer 0 is the normalization
        found |= {f"style.{i}.weight": pick(layer.weight), f"style.{i}.bias": pick(layer.bias)}
    return found


def _renderer_tensors(generator: Generator, pick: Pick) -> dict[str, Tensor]:
    renderer, found = generator.renderer, {}
    for i, conv in enumerate(renderer.convs):
        net = f"render_net.convs.{i}"
        found[f"{net}.weight"] = pick(conv.weight)
        found[f"{net}.modulation"] = pick(conv.gain)
        found[f"{net}.noise.weight"] = pick(conv.noise_strength)
        found[f"{net}.activate.bias"] = pick(conv.bias)
    for kind, heads in (("to_rgbs", renderer.to_rgb), ("to_segs", renderer.to_seg)):
        for i, head in enumerate(heads):
            net = f"render_net.{kind}.{i}"
            found[f"{net}.conv.weight"] = pick(head.weight)
            found[f"{net}.conv.modulation"] = pick(head.gain)
            found[f"{net}.bias"] = pick(head.bias)
    return found


def discriminator_tensors(discriminator: Discriminator, pick: Pick = gradient) -> dict[str, Tensor]:
    """Everything the release's discriminator learns."""
    found = {}
    towers = (
        ("convs_img", discriminator.image_stem, discriminator.image_tower),
        ("convs_seg", discriminator.mask_stem, discriminator.mask_tower),
    )
    for tower, stem, blocks in towers:
        found |= {f"{tower}.0.0.weight": pick(stem.weight), f"{tower}.0.1.bias": pick(stem.bias)}
        for i, block in enumerate(blocks, start=1):
            net = f"{tower}.{i}"
            found |= {f"{net}.conv1.0.weight": pick(block.first.weight), f"{net}.conv1.1.bias": pick(block.first.bias)}
            # Layer 0 of conv2 and of skip is the low-pass filter.
            found |= {
                f"{net}.conv2.1.weight": pick(block.second.weight), f"{net}.conv2.2.bias": pick(block.second.bias),
            }  # fmt: skip
            found[f"{net}.skip.1.weight"] = pick(block.skip.weight)
    found |= {
        "final_conv.0.weight": pick(discriminator.conv.weight),
        "final_conv.1.bias": pick(discriminator.conv.bias),
    }
    for i, layer in enumerate((discriminator.linear, discriminator.score)):
        found |= {f"final_linear.{i}.weight": pick(layer.weight), f"final_linear.{i}.bias": pick(layer.bias)}
    return found


def checkpoint(
    settings: Mapping[str, Any],
    average: Generator,
    generator: Generator,
    discriminator: Discriminator,
    optimizers: tuple[dict, dict] | None = None,
) -> dict[str, Any]:
    """The content of a file of the release. settings: of `Generator`; optimizers: state dicts of Adam, over the
    parameters of `generator` and of `discriminator`."""
    content = {
        "g": generator_state(generator), "d": discriminator_state(discriminator), "g_ema": generator_state(average),
        "args": arguments(settings),
    }  # fmt: skip
    if optimizers:
        content["g_optim"] = adam(optimizers[0], generator, generator_tensors)
        content["d_optim"] = adam(optimizers[1], discriminator, discriminator_tensors)
    return content


def arguments(settings: Mapping[str, Any]) -> Namespace:
    """The training arguments of a model of such settings, with some that no one here reads."""
    names = {
        "seg_dim": "classes", "latent": "latent_channels", "n_mlp": "mapping_layers", "local_layers": "local_layers",
        "base_layers": "base_layers", "depth_layers": "depth_layers", "local_channel": "local_channels",
        "coarse_channel": "coarse_channels", "coarse_size": "coarse_size", "min_feat_size": "min_feat_size",
        "channel_multiplier": "channel_multiplier", "residual_refine": "residual_refine",
    }  # fmt: skip
    found = {theirs: settings[ours] for theirs, ours in names.items()}
    height, width = settings["height"], settings["width"]
    found |= {"size": height} if height == width else {"height": height, "width": width}
    return Namespace(
        **found, transparent_dims=tuple(settings["transparent"]), detach_texture=False, ckpt=None, lr=0.002,
        inception="inception.pkl", local_rank=0,
    )  # fmt: skip


def generator_state(generator: Generator) -> dict[str, Tensor]:
    """As the release saves it: its shapes, with noise maps and filter taps among the parameters."""
    state = {name: as_release(name, x) for name, x in generator_tensors(generator, lambda p: p.detach()).items()}
    convs = len(generator.renderer.convs)
    state |= {f"render_net.noises.noise_{i}": getattr(generator.renderer, f"noise_{i}") for i in range(convs)}
    return {"local_nets.0.to_feat.upsample.kernel": TAPS, **state, "render_net.convs.0.blur.kernel": TAPS}


def discriminator_state(discriminator: Discriminator) -> dict[str, Tensor]:
    tensors = discriminator_tensors(discriminator, lambda p: p.detach())
    return {"convs_img.1.conv2.0.kernel": TAPS, **{name: as_release(name, x) for name, x in tensors.items()}}


TAPS = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64


def adam(saved: dict, network: Any, tensors: Callable[[Any, Pick], dict[str, Tensor]]) -> dict[str, Any]:
    """A state dict of Adam over the release's many parameters, from one over our few."""
    number_of = {id(parameter): number for number, parameter in enumerate(network.parameters())}
    parts = {
        part: tensors(network, lambda p, part=part: saved["state"][number_of[id(p)]][part].broadcast_to(p.shape))
        for part in ("exp_avg", "exp_avg_sq", "step")
    }
    state = {
        number: {
            "step": parts["step"][name].flatten()[0].clone(),
            **{part: as_release(name, parts[part][name]) for part in ("exp_avg", "exp_avg_sq")},
        }
        for number, name in enumerate(parts["step"])
    }
    return {"state": state, "param_groups": [{**saved["param_groups"][0], "params": list(state)}]}


def as_release(name: str, tensor: Tensor) -> Tensor:
    """A tensor in the shape that the release keeps it in, with memory of its own."""
    if re.search(r"linears.*conv\.weight$", name):
        tensor = tensor[None, ..., None, None]
    elif re.search(r"(pos_embed\.weights|to_.*conv\.weight|^convs_seg\.0\.0\.weight)$", name):
        tensor = tensor[..., None, None]
    elif re.search(r"(to_.*bias|(convs\.\d+|to_.*conv)\.modulation)$", name):
        tensor = tensor.reshape(1, -1, 1, 1)
    elif name.endswith("noise.weight"):
        tensor = tensor.reshape(1)
    return tensor.clone(memory_format=torch.contiguous_format)
