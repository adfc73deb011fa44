"""Our stacked tensors under the public release's names: the inverse of `composegan.interop.reference`.

Given the networks, each function answers, for every tensor that the release learns, with the part of `pick(parameter)`
that is that tensor. `pick` is the gradient, or the parameter itself.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from composegan.models.discriminator import Discriminator
from composegan.models.generator import Generator

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
