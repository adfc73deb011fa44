"""Adam's moments from the public release's training, stacked as the weights are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from composegan.interop.release_names import names_of, stack
from composegan.io.schema import COUNT, check
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.training.moments import ADAM, MOMENTS

SCHEMA = {**ADAM, "param_groups": [{"params": [COUNT]}]}

AdamState = dict[int, dict[str, Tensor]]
"""By parameter number: `step` (), and `exp_avg` and `exp_avg_sq` of the parameter's shape."""


class MisfitError(Exception):
    """The optimizer's state does not belong to the weights; says why in a few words."""


def adam_state(saved: Any, weights: Mapping[str, Tensor], network: Generator | Discriminator) -> AdamState:
    """The `state` of a `torch.optim.Adam` over `network.parameters()`.

    saved: the state dict of the release's Adam, which numbers parameters in the order of the state dict `weights`,
    buffers left out. The step count of a stack is the largest among its parts: they differ only where a phase skipped
    one, and after a few thousand steps Adam's bias correction is 1. Raises MisfitError when count or shapes differ from
    those of the weights.
    """
    of_name, names = _by_name(saved, weights), names_of(network)
    found: AdamState = {}
    for number, (ours, parameter) in enumerate(network.named_parameters()):
        parts = [of_name[name] for name in names[ours]]
        found[number] = {key: stack((part[key] for part in parts), parameter.shape) for key in MOMENTS}
        found[number]["step"] = torch.tensor(max(float(part["step"]) for part in parts))
    return found


def is_learned(name: str) -> bool:
    """Whether one of the release's tensors is a parameter: filter taps and stored noise maps are not."""
    return not name.endswith(".kernel") and not name.startswith("render_net.noises.")


def _by_name(saved: Any, weights: Mapping[str, Tensor]) -> dict[str, Mapping[str, Any]]:
    """The state of each of the release's parameters, validated."""
    try:
        check(saved, SCHEMA)
    except ValueError as error:
        raise MisfitError(f"it is not Adam's ({error})") from error
    numbers = [number for group in saved["param_groups"] for number in group["params"]]
    names = [name for name in weights if is_learned(name)]
    if len(numbers) != len(names):
        raise MisfitError(f"it has {len(numbers)} tensors, the weights are {len(names)}")
    found = {name: saved["state"].get(number) for name, number in zip(names, numbers, strict=True)}
    for name, state in found.items():
        if state is None:
            raise MisfitError(f"it has nothing for {name}")
        for key in MOMENTS:
            if state[key].shape != weights[name].shape:
                raise MisfitError(f"{key} of {name} has another shape than the weight")
    return found
