"""The names that the public SemanticStyleGAN release gives to the tensors of a generator and a discriminator.

The release has one module per class and one tensor per layer; our tensors stack them. Only names and shapes differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from composegan.errors import UserError
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator

LAYER = {
    "weight": "conv.weight", "style_weight": "conv.modulation.weight", "style_bias": "conv.modulation.bias",
    "bias": "activate.bias",
}  # fmt: skip
"""Tensors of each layer of each local generator: ours to the release's."""
HEAD = {"weight": "conv.weight", "gain": "conv.modulation", "bias": "bias"}
CONV = {"weight": "weight", "gain": "modulation", "noise_strength": "noise.weight", "bias": "activate.bias"}
BLOCK = {
    "first.weight": "conv1.0.weight", "first.bias": "conv1.1.bias", "second.weight": "conv2.1.weight",
    "second.bias": "conv2.2.bias", "skip.weight": "skip.1.weight",
}  # fmt: skip
FILTER_TAPS = ("blur.kernel", "upsample.kernel", ".0.kernel")
"""Endings of constants that the release stores and we do not."""

Names = dict[str, list[str]]
"""For each of our tensors, the release's tensors that it is a stack of, in order."""


def generator_names(generator: Generator) -> Names:
    """The release's names for every tensor in the state of a generator with one group per class."""
    bank, renderer = generator.local, generator.renderer
    classes, layers = range(bank.classes), range(bank.layers)
    names = {"local.position": ["pos_embed.weights"]}
    for ours, theirs in LAYER.items():
        names[f"local.{ours}"] = [f"local_nets.{k}.linears.{i}.{theirs}" for i in layers for k in classes]
    for ours, theirs in HEAD.items():
        names[f"local.depth_{ours}"] = [f"local_nets.{k}.to_depth.{theirs}" for k in classes[1:]]
        names[f"local.feature_{ours}"] = [f"local_nets.{k}.to_feat.{theirs}" for k in classes]
    for i in range(len(generator.mapping.layers)):
        for part in ("weight", "bias"):  # the release's layer 0 is the normalization, which has no weights
            names[f"mapping.layers.{i}.{part}"] = [f"style.{i + 1}.{part}"]
    for i in range(len(renderer.convs)):
        names |= {f"renderer.convs.{i}.{ours}": [f"render_net.convs.{i}.{theirs}"] for ours, theirs in CONV.items()}
        names[f"renderer.noise_{i}"] = [f"render_net.noises.noise_{i}"]
    for head in ("to_rgb", "to_seg"):
        for i in range(len(renderer.resolutions)):
            names |= {f"renderer.{head}.{i}.{o}": [f"render_net.{head}s.{i}.{t}"] for o, t in HEAD.items()}
    return names


def discriminator_names(discriminator: Discriminator) -> Names:
    """The release's names for every tensor in the state of a discriminator."""
    names = {"conv.weight": ["final_conv.0.weight"], "conv.bias": ["final_conv.1.bias"]}
    for ours, theirs in (("image", "convs_img"), ("mask", "convs_seg")):
        names[f"{ours}_stem.weight"], names[f"{ours}_stem.bias"] = [f"{theirs}.0.0.weight"], [f"{theirs}.0.1.bias"]
        for i in range(len(discriminator.image_tower)):
            names |= {f"{ours}_tower.{i}.{o}": [f"{theirs}.{i + 1}.{t}"] for o, t in BLOCK.items()}
    for i, ours in enumerate(("linear", "score")):
        names |= {f"{ours}.{part}": [f"final_linear.{i}.{part}"] for part in ("weight", "bias")}
    return names


def names_of(network: Generator | Discriminator) -> Names:
    """The release's names for every tensor in a network's state."""
    return generator_names(network) if isinstance(network, Generator) else discriminator_names(network)


def stack(parts: Iterable[Tensor], shape: Sequence[int]) -> Tensor:
    """Some of the release's tensors as one of ours: float32, on the CPU."""
    return torch.stack([part.detach().float().cpu() for part in parts]).reshape(tuple(shape))


def convert_state(state: Mapping[str, Tensor], network: Generator | Discriminator) -> dict[str, Tensor]:
    """The release's state dict as ours, in the shapes of `network`, which may be on the meta device.

    Raises UserError for a tensor that is missing, left over or of another shape.
    """
    what = type(network).__name__.lower()
    left = {name for name in state if not name.endswith(FILTER_TAPS)}
    shapes, found = network.state_dict(), {}
    for ours, theirs in names_of(network).items():
        part = _part_shape(shapes[ours].shape, len(theirs))
        for name in theirs:
            if name not in state:
                raise UserError(f"checkpoint: the {what} has no {name!r}")
            if [n for n in state[name].shape if n != 1] != [n for n in part if n != 1]:
                has = f"{name!r} has shape {tuple(state[name].shape)}"
                raise UserError(f"checkpoint: the {what}'s {has}; its settings ask for {tuple(part)}")
        left.difference_update(theirs)
        found[ours] = stack((state[name] for name in theirs), shapes[ours].shape)
    if left:
        raise UserError(f"checkpoint: the {what} has {min(left)!r}, which this model does not have")
    return found


def _part_shape(shape: Sequence[int], count: int) -> list[int]:
    """The shape of each of `count` tensors whose stack has `shape`."""
    part = list(shape)
    while count > 1:
        count //= part.pop(0)
    return part
