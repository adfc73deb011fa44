"""Convert a checkpoint of the public SemanticStyleGAN release to this library's networks.

`release_file` reads the file, `release_names` maps the tensors, `release_moments` the optimizers' state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from composegan.errors import UserError, brief, first_line
from composegan.interop.release_moments import AdamState, MisfitError, adam_state
from composegan.interop.release_names import convert_state
from composegan.io.schema import FLAG
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator

LARGEST = 4096
"""Upper limit of every size in a checkpoint, so that a damaged one is not built."""

WHOLE_NUMBERS = {
    "classes": "seg_dim", "height": "size", "width": "size", "latent_channels": "latent", "mapping_layers": "n_mlp",
    "local_layers": "local_layers", "base_layers": "base_layers", "depth_layers": "depth_layers",
    "local_channels": "local_channel", "coarse_channels": "coarse_channel", "coarse_size": "coarse_size",
    "min_feat_size": "min_feat_size",
}  # fmt: skip
"""Sizes of the generator: our keyword to the release's training argument."""

Network = TypeVar("Network", Generator, Discriminator)


@dataclass(frozen=True)
class Reference:
    """A converted checkpoint.

    settings: keyword arguments of `Generator`, plain values; generator: holds the averaged weights (`g_ema`), or `g`
    when there are none; moving: holds `g`, the weights in training, or is None; discriminator: holds `d`, or is None;
    moments: Adam's state over `moving` and `discriminator`, under the keys "generator" and "discriminator", where the
    checkpoint has one that fits; notes: one line for each part that was left out.
    """

    settings: dict[str, Any]
    generator: Generator
    moving: Generator | None
    discriminator: Discriminator | None
    moments: dict[str, AdamState] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def convert(checkpoint: Mapping[str, Any]) -> Reference:
    """Build our generator and discriminator from the release's checkpoint.

    checkpoint: `g_ema` or `g` or both, and optionally `d`, `g_optim` and `d_optim`, each a state dict; `args`, see
    `generator_settings`. Raises UserError naming the key that is missing, left over or of the wrong shape.
    """
    arguments = checkpoint.get("args")
    settings = generator_settings(arguments)
    widths = {key: settings[key] for key in ("classes", "height", "width", "max_channels")}
    widths["multiplier"] = settings["channel_multiplier"]
    moving, judge = checkpoint.get("g"), checkpoint.get("d")
    averaged = moving if checkpoint.get("g_ema") is None else checkpoint["g_ema"]
    if averaged is None:
        raise UserError("checkpoint has neither 'g_ema' nor 'g', a generator's weights")
    found = Reference(
        settings,
        _filled(lambda: Generator(**settings), averaged),
        None if moving is None else _filled(lambda: Generator(**settings), moving),
        None if judge is None else _filled(lambda: Discriminator(**widths), judge),
    )
    networks: tuple[tuple[str, str, Any, Generator | Discriminator | None], ...] = (
        ("generator", "g_optim", moving, found.moving),
        ("discriminator", "d_optim", judge, found.discriminator),
    )
    for name, key, weights, network in networks:
        if network is not None and checkpoint.get(key) is not None:
            try:
                found.moments[name] = adam_state(checkpoint[key], weights, network)
            except MisfitError as error:
                found.notes.append(f"{key} is left out: {error}; the {name}'s Adam starts anew")
    if arguments and arguments.get("detach_texture") is True:
        found.notes.append("it was trained with detach_texture, which training does not support; drawing is the same")
    return found


def generator_settings(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Keyword arguments of `Generator` from the release's training arguments.

    Those of WHOLE_NUMBERS (or height and width in place of size), channel_multiplier, residual_refine and
    transparent_dims are needed. Raises UserError naming the one that is missing or invalid.
    """
    if given is None:
        raise UserError("checkpoint has no 'args', the settings it was trained with")

    def value(name: str, needed: str, valid: Callable[[Any], bool]) -> Any:
        if name not in given:
            raise UserError(f"checkpoint 'args' has no {name!r}")
        if not valid(given[name]):
            raise UserError(f"checkpoint 'args': {name} is {brief(given[name])}; {needed} needed")
        return given[name]

    def whole(ours: str, theirs: str) -> int:
        least = 2 if ours == "classes" else 1  # class 0 is the background
        needed = f"a whole number from {least} to {LARGEST}"
        return value(
            ours if ours in given else theirs, needed, lambda number: type(number) is int and least <= number <= LARGEST
        )

    settings: dict[str, Any] = {ours: whole(ours, theirs) for ours, theirs in WHOLE_NUMBERS.items()}
    classes, base, local = (settings[key] for key in ("classes", "base_layers", "local_layers"))
    value("depth_layers", "a number from base_layers to local_layers", lambda depth: base <= depth <= local)
    multiplier = value("channel_multiplier", "a number above 0", lambda x: type(x) in (int, float) and 0 < x <= LARGEST)
    transparent = value(
        "transparent_dims",
        f"a list of classes, each 0 to {classes - 1},",
        lambda x: x is None or (isinstance(x, (list, tuple)) and all(type(k) is int and 0 <= k < classes for k in x)),
    )
    refine = value("residual_refine", "true or false", FLAG.valid)
    return {
        **settings, "group_of": list(range(classes)), "transparent": list(transparent or ()),
        "mapping_rate": 0.01, "channel_multiplier": float(multiplier), "max_channels": 512,
        "residual_refine": refine, "mask_rank": 0, "noise": True, "recompute": True,
    }  # fmt: skip


def _filled(make: Callable[[], Network], state: Mapping[str, Any]) -> Network:
    """The network of `make` with the release's weights, built only once its shapes are known to match them."""
    try:
        with torch.device("meta"):
            shapes = make()
    except (ValueError, RuntimeError, IndexError, ZeroDivisionError, OverflowError) as error:
        raise UserError(f"checkpoint 'args' do not make a network ({first_line(error)})") from error
    found = convert_state(state, shapes)
    network = make()
    network.load_state_dict(found)
    return network
