"""Adam's moments of the public release's training, mapped to our stacked parameters as the weights are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

MOMENTS = ("exp_avg", "exp_avg_sq")

AdamState = dict[int, dict[str, Tensor]]
"""By the parameter's number: `step` (), `exp_avg` and `exp_avg_sq`, of the parameter's shape."""

ConvertState = Callable[[Mapping[str, Tensor], Any], dict[str, Tensor]]


class MisfitError(Exception):
    """The optimizer's state is not that of the weights; says why, in a few words."""


def adam_state(saved: Any, weights: Mapping[str, Tensor], convert_state: ConvertState, network: nn.Module) -> AdamState:
    """The `state` of a `torch.optim.Adam` over `network.parameters()`.

    saved: the state dict of the release's Adam; it knows parameters by number only, which are in the order of the
    state dict `weights` without its buffers. convert_state: `generator_state` or `discriminator_state`.
    A stack's step count is the largest of its parts' (they differ only where a phase left one out, and after some
    thousand steps Adam no longer looks at it). Raises MisfitError where count or shapes are not those of the weights.
    """
    of_name = _by_name(saved, weights)

    def ours(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return convert_state({**weights, **values}, network)

    moments = {part: ours({name: state[part] for name, state in of_name.items()}) for part in MOMENTS}
    steps = ours({name: torch.full_like(state[MOMENTS[0]], float(state["step"])) for name, state in of_name.items()})
    return {
        number: {"step": steps[name].max(), **{part: moments[part][name].clone() for part in MOMENTS}}
        for number, (name, _) in enumerate(network.named_parameters())
    }


def is_learned(name: str) -> bool:
    """Whether one of the release's tensors is a parameter: filter taps and stored noise maps are not."""
    return not name.endswith(".kernel") and not name.startswith("render_net.noises.")


def _by_name(saved: Any, weights: Mapping[str, Tensor]) -> dict[str, Mapping[str, Any]]:
    """The state of each of the release's parameters, checked."""
    try:
        numbers = [number for group in saved["param_groups"] for number in group["params"]]
        states = saved["state"]
        names = [name for name in weights if is_learned(name)]
        if len(numbers) != len(names):
            raise MisfitError(f"it is of {len(numbers)} tensors, the weights are {len(names)}")
        found = {}
        for name, number in zip(names, numbers, strict=True):
            if number not in states:
                raise MisfitError(f"it has nothing for {name}")
            for part in MOMENTS:
                if states[number][part].shape != weights[name].shape:
                    raise MisfitError(f"{part} of {name} has another shape than the weight")
            float(states[number]["step"])
            found[name] = states[number]
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError, IndexError) as error:
        raise MisfitError(f"it is no Adam's ({type(error).__name__})") from error
    return found
