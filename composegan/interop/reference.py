"""The public SemanticStyleGAN release's weights, converted to this library's models.

The release keeps one module a class and one tensor a layer; here they are stacked. Only names and shapes are mapped,
no number changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from composegan.config.errors import UserError
from composegan.models.discriminator import Discriminator
from composegan.models.generator import Generator


@dataclass(frozen=True)
class Reference:
    """A converted checkpoint. `discriminator` is None where the checkpoint has none."""

    generator: Generator
    discriminator: Discriminator | None


def convert(checkpoint: Mapping[str, Any]) -> Reference:
    """Build our generator and discriminator from the release's checkpoint.

    checkpoint: keys `g_ema` (or `g`), `d` (optional), each a state dict, and `args`, a namespace or mapping with
    size, seg_dim, local_layers, base_layers, depth_layers, local_channel, coarse_channel, coarse_size,
    min_feat_size, channel_multiplier, residual_refine, transparent_dims, latent, n_mlp.
    Raises UserError naming the key that is missing, left over or of the wrong shape.
    """
    arguments = checkpoint.get("args")
    if arguments is None:
        raise UserError("checkpoint has no 'args', the settings it was trained with")
    arguments = dict(arguments) if isinstance(arguments, Mapping) else vars(arguments)
    state = checkpoint.get("g_ema", checkpoint.get("g"))
    if state is None:
        raise UserError("checkpoint has neither 'g_ema' nor 'g', a generator's weights")
    try:
        common = {"classes": arguments["seg_dim"], "height": arguments["size"], "width": arguments["size"]}
        multiplier = arguments["channel_multiplier"]
        generator = Generator(
            **common,
            transparent=tuple(arguments["transparent_dims"]),
            latent_channels=arguments["latent"],
            mapping_layers=arguments["n_mlp"],
            local_layers=arguments["local_layers"],
            base_layers=arguments["base_layers"],
            depth_layers=arguments["depth_layers"],
            local_channels=arguments["local_channel"],
            coarse_channels=arguments["coarse_channel"],
            coarse_size=arguments["coarse_size"],
            min_feat_size=arguments["min_feat_size"],
            channel_multiplier=multiplier,
            residual_refine=bool(arguments["residual_refine"]),
        )
        discriminator = Discriminator(**common, multiplier=multiplier) if checkpoint.get("d") else None
    except KeyError as missing:
        raise UserError(f"checkpoint 'args' has no {missing}") from None
    _fill(generator, _generator_state(_Reader(state, "generator"), generator))
    if discriminator is not None:
        _fill(discriminator, _discriminator_state(_Reader(checkpoint["d"], "discriminator"), discriminator))
    return Reference(generator, discriminator)


class _Reader:
    """The release's tensors by name; remembers what was taken so that nothing is dropped in silence."""

    def __init__(self, state: Mapping[str, Tensor], what: str) -> None:
        self.state, self.what = state, what
        # Filter taps are fixed numbers and are not stored here.
        self.left = {name for name in state if not name.endswith(("blur.kernel", "upsample.kernel", ".0.kernel"))}

    def __call__(self, name: str) -> Tensor:
        if name not in self.state:
            raise UserError(f"checkpoint: the {self.what} has no {name!r}")
        self.left.discard(name)
        return self.state[name].detach().float().cpu()

    def finish(self) -> None:
        if self.left:
            raise UserError(f"checkpoint: the {self.what} has {sorted(self.left)[0]!r}, which this model has not")


def _generator_state(take: _Reader, generator: Generator) -> dict[str, Tensor]:
    bank, renderer = generator.local, generator.renderer
    classes, layers = range(bank.classes), range(bank.layers)

    def stacked(part: str) -> Tensor:
        """(layers, K, ...) of one tensor of every layer of every class."""
        return torch.stack([torch.stack([take(f"local_nets.{k}.linears.{i}.{part}") for k in classes]) for i in layers])

    def heads(part: str, which: range) -> Tensor:
        return torch.stack([take(f"local_nets.{k}.{part}") for k in which])

    with_depth = classes[1:]
    state = {
        "local.position": take("pos_embed.weights").flatten(1),
        "local.weight": stacked("conv.weight").flatten(2).view(len(layers), len(classes), bank.channels, bank.channels),
        "local.style_weight": stacked("conv.modulation.weight"),
        "local.style_bias": stacked("conv.modulation.bias"),
        "local.bias": stacked("activate.bias"),
        "local.depth_weight": heads("to_depth.conv.weight", with_depth).flatten(1),
        "local.depth_gain": heads("to_depth.conv.modulation", with_depth).flatten(1),
        "local.depth_bias": heads("to_depth.bias", with_depth).flatten(),
        "local.feature_weight": heads("to_feat.conv.weight", classes).flatten(2),
        "local.feature_gain": heads("to_feat.conv.modulation", classes).flatten(1),
        "local.feature_bias": heads("to_feat.bias", classes).flatten(1),
    }
    for i in range(len(generator.mapping.layers)):
        for part in ("weight", "bias"):
            # The release's layer 0 is the normalization, which has no weights.
            state[f"mapping.layers.{i}.{part}"] = take(f"style.{i + 1}.{part}")
    for i in range(len(renderer.convs)):
        theirs, ours = f"render_net.convs.{i}", f"renderer.convs.{i}"
        state[f"{ours}.weight"] = take(f"{theirs}.weight")
        state[f"{ours}.gain"] = take(f"{theirs}.modulation").flatten()
        state[f"{ours}.noise_strength"] = take(f"{theirs}.noise.weight")[0]
        state[f"{ours}.bias"] = take(f"{theirs}.activate.bias")
        state[f"renderer.noise_{i}"] = take(f"render_net.noises.noise_{i}")
    for head in ("to_rgb", "to_seg"):
        for i in range(len(renderer.resolutions)):
            theirs, ours = f"render_net.{head}s.{i}", f"renderer.{head}.{i}"
            state[f"{ours}.weight"] = take(f"{theirs}.conv.weight").flatten(1)
            state[f"{ours}.gain"] = take(f"{theirs}.conv.modulation").flatten()
            state[f"{ours}.bias"] = take(f"{theirs}.bias").flatten()
    take.finish()
    return state


def _discriminator_state(take: _Reader, discriminator: Discriminator) -> dict[str, Tensor]:
    state = {
        "image_stem.weight": take("convs_img.0.0.weight"),
        "image_stem.bias": take("convs_img.0.1.bias"),
        "mask_stem.weight": take("convs_seg.0.0.weight").flatten(1),
        "mask_stem.bias": take("convs_seg.0.1.bias"),
        "conv.weight": take("final_conv.0.weight"),
        "conv.bias": take("final_conv.1.bias"),
    }
    for tower, theirs in (("image_tower", "convs_img"), ("mask_tower", "convs_seg")):
        for i in range(len(discriminator.image_tower)):
            ours = f"{tower}.{i}"
            state[f"{ours}.first.weight"] = take(f"{theirs}.{i + 1}.conv1.0.weight")
            state[f"{ours}.first.bias"] = take(f"{theirs}.{i + 1}.conv1.1.bias")
            state[f"{ours}.second.weight"] = take(f"{theirs}.{i + 1}.conv2.1.weight")
            state[f"{ours}.second.bias"] = take(f"{theirs}.{i + 1}.conv2.2.bias")
            state[f"{ours}.skip.weight"] = take(f"{theirs}.{i + 1}.skip.1.weight")
    for ours, theirs in (("linear", "final_linear.0"), ("score", "final_linear.1")):
        for part in ("weight", "bias"):
            state[f"{ours}.{part}"] = take(f"{theirs}.{part}")
    take.finish()
    return state


def _fill(module: torch.nn.Module, state: dict[str, Tensor]) -> None:
    for name, tensor in module.state_dict().items():
        if name in state and state[name].shape != tensor.shape:
            raise UserError(
                f"checkpoint: {name} has shape {tuple(state[name].shape)}, its settings ask for {tuple(tensor.shape)}"
            )
    module.load_state_dict(state)
