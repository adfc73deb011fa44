"""The public SemanticStyleGAN release's weights, converted to this library's models.

The release keeps one module a class and one tensor a layer; here they are stacked. Only names and shapes are mapped,
no number changes. `release_file` reads the file, `release_moments` maps the optimizers' state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from composegan.errors import UserError, first_line
from composegan.interop.release_moments import AdamState, MisfitError, adam_state
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator

LARGEST = 4096
"""The most that a setting of a checkpoint may be: what lies above is no model's, but would be built."""

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Reference:
    """A converted checkpoint.

    settings: keyword arguments of `Generator`, plain values; generator: with the averaged weights (`g_ema`), or those
    of `g` where there are no others; moving: with `g`, as it is trained, or None; discriminator: of `d`, or None;
    moments: Adam's state over `moving` and `discriminator`, under the keys "generator" and "discriminator", where the
    checkpoint has one that fits; notes: lines about what could not be taken over.
    """

    settings: dict[str, Any]
    generator: Generator
    moving: Generator | None
    discriminator: Discriminator | None
    moments: dict[str, AdamState] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def convert(checkpoint: Mapping[str, Any]) -> Reference:
    """Build our generator and discriminator from the release's checkpoint.

    checkpoint: keys `g_ema` or `g` or both, `d`, `g_optim` and `d_optim` (optional), each a state dict, and `args`, see
    `generator_settings`. Raises UserError naming the key that is missing, left over or of the wrong shape.
    """
    settings = generator_settings(checkpoint.get("args"))
    averaged, moving, judge = (checkpoint.get(key) for key in ("g_ema", "g", "d"))
    if averaged is None and moving is None:
        raise UserError("checkpoint has neither 'g_ema' nor 'g', a generator's weights")
    widths = {key: settings[key] for key in ("classes", "height", "width", "max_channels")}
    widths["multiplier"] = settings["channel_multiplier"]

    def generator(state: Mapping[str, Tensor]) -> Generator:
        return _filled(lambda: Generator(**settings), generator_state, state, "generator")

    def discriminator(state: Mapping[str, Tensor]) -> Discriminator:
        return _filled(lambda: Discriminator(**widths), discriminator_state, state, "discriminator")

    found = Reference(
        settings,
        generator(moving if averaged is None else averaged),
        None if moving is None else generator(moving),
        None if judge is None else discriminator(judge),
    )
    for name, key, weights, convert_state, network in (
        ("generator", "g_optim", moving, generator_state, found.moving),
        ("discriminator", "d_optim", judge, discriminator_state, found.discriminator),
    ):
        if network is not None and checkpoint.get(key) is not None:
            try:
                found.moments[name] = adam_state(checkpoint[key], weights, convert_state, network)
            except MisfitError as error:
                found.notes.append(f"{key} is left out: {error}; the {name}'s Adam starts anew")
    if _given(checkpoint["args"]).get("detach_texture"):
        found.notes.append("it was trained with detach_texture, which training here has not; drawing is the same")
    return found


def generator_settings(arguments: Any) -> dict[str, Any]:
    """Keyword arguments of `Generator` from the release's training arguments, a namespace or a mapping.

    They have size (or height and width), seg_dim, local_layers, base_layers, depth_layers, local_channel,
    coarse_channel, coarse_size, min_feat_size, channel_multiplier, residual_refine, transparent_dims, latent, n_mlp.
    Raises UserError naming the one that is missing or cannot be.
    """
    if arguments is None:
        raise UserError("checkpoint has no 'args', the settings it was trained with")
    given = _given(arguments)

    def value(name: str) -> Any:
        if name not in given:
            raise UserError(f"checkpoint 'args' has no {name!r}")
        return given[name]

    def wrong(name: str, needed: str) -> UserError:
        return UserError(f"checkpoint 'args': {name} is {str(given[name])[:40]!r}; {needed} needed")

    def whole(name: str) -> int:
        if type(value(name)) is not int or not 1 <= given[name] <= LARGEST:
            raise wrong(name, f"a whole number from 1 to {LARGEST}")
        return given[name]

    classes = whole("seg_dim")
    if not whole("base_layers") <= whole("depth_layers") <= whole("local_layers"):
        raise wrong("depth_layers", "a number from base_layers to local_layers")
    multiplier = value("channel_multiplier")
    transparent = () if value("transparent_dims") is None else given["transparent_dims"]
    if type(multiplier) not in (int, float) or not 0 < multiplier <= LARGEST:
        raise wrong("channel_multiplier", "a number above 0")
    if not isinstance(transparent, (list, tuple)) or any(k not in range(classes) for k in transparent):
        raise wrong("transparent_dims", f"a list of classes, each 0 to {classes - 1},")
    return {
        "classes": classes,
        "height": whole("height" if "height" in given else "size"),
        "width": whole("width" if "width" in given else "size"),
        "group_of": list(range(classes)),
        "transparent": [int(k) for k in transparent],
        "latent_channels": whole("latent"),
        "mapping_layers": whole("n_mlp"),
        "mapping_rate": 0.01,
        "local_layers": whole("local_layers"),
        "base_layers": whole("base_layers"),
        "depth_layers": whole("depth_layers"),
        "local_channels": whole("local_channel"),
        "coarse_channels": whole("coarse_channel"),
        "coarse_size": whole("coarse_size"),
        "min_feat_size": whole("min_feat_size"),
        "channel_multiplier": float(multiplier),
        "max_channels": 512,
        "residual_refine": bool(value("residual_refine")),
        "mask_rank": 0,
        "noise": True,
        "recompute": True,
    }


def _given(arguments: Any) -> dict[str, Any]:
    return dict(arguments) if isinstance(arguments, Mapping) else vars(arguments)


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


def generator_state(state: Mapping[str, Tensor], generator: Generator) -> dict[str, Tensor]:
    """The release's generator tensors, stacked under our names, float32. generator: of the shapes that are wanted.

    Raises UserError for a tensor that is missing or left over.
    """
    take, bank, renderer = _Reader(state, "generator"), generator.local, generator.renderer
    classes, layers = range(bank.classes), range(bank.layers)

    def stacked(part: str) -> Tensor:
        """(layers, K, ...) of one tensor of every layer of every class."""
        return torch.stack([torch.stack([take(f"local_nets.{k}.linears.{i}.{part}") for k in classes]) for i in layers])

    def heads(part: str, which: range) -> Tensor:
        return torch.stack([take(f"local_nets.{k}.{part}") for k in which])

    with_depth = classes[1:]
    found = {
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
            found[f"mapping.layers.{i}.{part}"] = take(f"style.{i + 1}.{part}")
    for i in range(len(renderer.convs)):
        theirs, ours = f"render_net.convs.{i}", f"renderer.convs.{i}"
        found[f"{ours}.weight"] = take(f"{theirs}.weight")
        found[f"{ours}.gain"] = take(f"{theirs}.modulation").flatten()
        found[f"{ours}.noise_strength"] = take(f"{theirs}.noise.weight")[0]
        found[f"{ours}.bias"] = take(f"{theirs}.activate.bias")
        found[f"renderer.noise_{i}"] = take(f"render_net.noises.noise_{i}")
    for head in ("to_rgb", "to_seg"):
        for i in range(len(renderer.resolutions)):
            theirs, ours = f"render_net.{head}s.{i}", f"renderer.{head}.{i}"
            found[f"{ours}.weight"] = take(f"{theirs}.conv.weight").flatten(1)
            found[f"{ours}.gain"] = take(f"{theirs}.conv.modulation").flatten()
            found[f"{ours}.bias"] = take(f"{theirs}.bias").flatten()
    take.finish()
    return found


def discriminator_state(state: Mapping[str, Tensor], discriminator: Discriminator) -> dict[str, Tensor]:
    """The same for the discriminator's tensors."""
    take = _Reader(state, "discriminator")
    found = {
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
            found[f"{ours}.first.weight"] = take(f"{theirs}.{i + 1}.conv1.0.weight")
            found[f"{ours}.first.bias"] = take(f"{theirs}.{i + 1}.conv1.1.bias")
            found[f"{ours}.second.weight"] = take(f"{theirs}.{i + 1}.conv2.1.weight")
            found[f"{ours}.second.bias"] = take(f"{theirs}.{i + 1}.conv2.2.bias")
            found[f"{ours}.skip.weight"] = take(f"{theirs}.{i + 1}.skip.1.weight")
    for ours, theirs in (("linear", "final_linear.0"), ("score", "final_linear.1")):
        for part in ("weight", "bias"):
            found[f"{ours}.{part}"] = take(f"{theirs}.{part}")
    take.finish()
    return found


def _filled(
    make: Callable[[], Network],
    convert_state: Callable[[Mapping[str, Tensor], Network], dict[str, Tensor]],
    state: Mapping[str, Tensor],
    what: str,
) -> Network:
    """The network of `make` with the release's weights; not built before its shapes are known to be theirs."""
    try:
        with torch.device("meta"):
            shapes = make()
    except (ValueError, RuntimeError, IndexError, ZeroDivisionError, OverflowError) as error:
        raise UserError(f"checkpoint 'args' make no {what} ({first_line(error)})") from error
    try:
        found = convert_state(state, shapes)
    except (RuntimeError, IndexError) as error:  # those of one stack are not of one shape
        raise UserError(f"checkpoint: the {what}'s tensors are of wrong shapes ({first_line(error)})") from error
    for name, tensor in shapes.state_dict().items():
        if found[name].shape != tensor.shape:
            raise UserError(
                f"checkpoint: {name} has shape {tuple(found[name].shape)}, its settings ask for {tuple(tensor.shape)}"
            )
    network = make()
    network.load_state_dict(found)
    return network
