"""Write our networks as a checkpoint of the public release: the inverse of `composegan.interop.release_names`."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from composegan.interop.reference import WHOLE_NUMBERS
from composegan.interop.release_names import names_of

TAPS = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64


def gradient(parameter: Tensor) -> Tensor:
    """The gradient; zeros where backward did not reach the parameter."""
    return parameter.new_zeros(parameter.shape) if parameter.grad is None else parameter.grad


def tensors(network: nn.Module, pick: Callable[[Tensor], Tensor] = gradient) -> dict[str, Tensor]:
    """For each parameter of the release, its part of `pick(our stacked parameter)`."""
    names, found = names_of(network), {}
    for ours, parameter in network.named_parameters():
        parts = [pick(parameter)]
        while len(parts) < len(names[ours]):  # unstack (layers, classes, ...) one dimension at a time
            parts = [part for stack in parts for part in stack]
        found |= dict(zip(names[ours], parts, strict=True))
    return found


def checkpoint(
    settings: Mapping[str, Any], average: nn.Module, generator: nn.Module, discriminator: nn.Module,
    optimizers: tuple[dict, dict] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The content of a file of the release. settings: of `Generator`; optimizers: state dicts of Adam over the
    parameters of `generator` and of `discriminator`."""
    content = {"g": state(generator), "d": state(discriminator), "g_ema": state(average), "args": arguments(settings)}
    if optimizers:
        content |= {"g_optim": adam(optimizers[0], generator), "d_optim": adam(optimizers[1], discriminator)}
    return content


def arguments(settings: Mapping[str, Any]) -> Namespace:
    """The release's training arguments for such a model, among them some that are not read."""
    found = {theirs: settings[ours] for ours, theirs in WHOLE_NUMBERS.items()}
    if settings["height"] != settings["width"]:
        del found["size"]
        found |= {"height": settings["height"], "width": settings["width"]}
    found |= {key: settings[key] for key in ("channel_multiplier", "residual_refine")}
    return Namespace(
        **found, transparent_dims=tuple(settings["transparent"]), detach_texture=False, ckpt=None, lr=0.002,
        inception="inception.pkl", local_rank=0,
    )  # fmt: skip


def state(network: nn.Module) -> dict[str, Tensor]:
    """A network's state dict as the release saves it: its shapes, with noise maps and filter taps."""
    buffers = {names_of(network)[name][0]: x for name, x in network.named_buffers() if "noise" in name}
    found = {name: as_release(name, x) for name, x in tensors(network, lambda p: p.detach()).items()}
    taps = "render_net.convs.0.blur.kernel" if buffers else "convs_img.1.conv2.0.kernel"
    return {"local_nets.0.to_feat.upsample.kernel": TAPS, **found, **buffers, taps: TAPS}


def adam(saved: dict, network: nn.Module) -> dict[str, Any]:
    """A state dict of Adam over the release's many parameters, from one over our few."""
    number_of = {id(parameter): number for number, parameter in enumerate(network.parameters())}
    parts = {
        key: tensors(network, lambda p, key=key: saved["state"][number_of[id(p)]][key].broadcast_to(p.shape))
        for key in ("exp_avg", "exp_avg_sq", "step")
    }
    order = [name for name in state(network) if name in parts["step"]]
    found = {
        number: {
            "step": parts["step"][name].flatten()[0].clone(),
            **{key: as_release(name, parts[key][name]) for key in ("exp_avg", "exp_avg_sq")},
        }
        for number, name in enumerate(order)
    }
    return {"state": found, "param_groups": [{**saved["param_groups"][0], "params": list(found)}]}


def as_release(name: str, tensor: Tensor) -> Tensor:
    """A tensor in the shape that the release stores it in, with its own memory."""
    if re.search(r"linears.*conv\.weight$", name):
        tensor = tensor[None, ..., None, None]
    elif re.search(r"(pos_embed\.weights|to_.*conv\.weight|^convs_seg\.0\.0\.weight)$", name):
        tensor = tensor[..., None, None]
    elif re.search(r"(to_.*bias|(convs\.\d+|to_.*conv)\.modulation)$", name):
        tensor = tensor.reshape(1, -1, 1, 1)
    elif name.endswith("noise.weight"):
        tensor = tensor.reshape(1)
    return tensor.clone(memory_format=torch.contiguous_format)
