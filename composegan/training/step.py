"""One phase of a training step: who learns, the backward passes over the parts of the batch, the optimizer's step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor

from composegan.runtime.distributed import average_gradients
from composegan.training.class_gradients import watched
from composegan.training.parts import Draws, mean_of
from composegan.training.phases import Logs, Phase, Real, State


class Optimizer(Protocol):
    """A torch optimizer, or a trainer's wrapper around one."""

    def step(self) -> Any:
        """Move the weights by their gradients."""


def run_phase(
    phase: Phase,
    state: State,
    parts: Sequence[Real],
    optimizer: Optimizer | None = None,
    *,
    frozen: Sequence[str] = (),
    draws: Draws | None = None,
    reached: list[bool] | None = None,
    class_gradients: Tensor | None = None,
    backward: Callable[[Tensor], Any] = Tensor.backward,
) -> Logs:
    """Run one phase: one backward pass for each part of the batch, then one optimizer step on their mean.

    parts: the batch in parts of equal size, done one after another. optimizer: that of the phase's network; None leaves
    the weights as they are and the gradients in place. frozen: modules of the generator that do not learn.
    draws: random numbers of each part; None: torch's own stream. reached: see `average_gradients`, kept by the caller
    from one run of the phase to the next. class_gradients: (L, K, C, C), to which the gradient of each class on the
    local layers' weights is added. backward: runs the backward pass of a loss ().

    Returns the phase's figures, each (), detached, on the device: the mean over this process's parts.
    """
    moving = learn_only(state, phase.network, frozen)
    moving.zero_grad(set_to_none=True)
    figures, path_mean, path_means = [], state.path_mean.clone(), []
    device = path_mean.device.type
    with watched(state.generator.local, class_gradients):
        for number, real in enumerate(parts):
            state.path_mean.copy_(path_mean)  # each part starts from the step's value
            no_autocast = phase.full_precision and torch.amp.is_autocast_available(device)
            precision = torch.autocast(device, enabled=False) if no_autocast else nullcontext()
            with draws.of(number) if draws else nullcontext(), precision:  # backward included: second derivatives
                loss, found = phase.loss(state, real)
                backward(loss if len(parts) == 1 else loss / len(parts))
            figures.append({name: value.detach() for name, value in found.items()})
            path_means.append(state.path_mean.clone())
        state.path_mean.copy_(torch.stack(path_means).mean())
    average_gradients(
        (weight for weight in moving.parameters() if weight.requires_grad), [] if reached is None else reached
    )
    if optimizer is not None:
        optimizer.step()
        moving.zero_grad(set_to_none=True)  # their memory is free for the next phase
    return mean_of(figures)


def learn_only(state: State, network: str, frozen: Sequence[str] = ()) -> torch.nn.Module:
    """Make one network of `state` learn, without the generator's `frozen` modules, and return it."""
    for name in ("generator", "discriminator"):
        getattr(state, name).requires_grad_(name == network)
    for part in frozen:
        getattr(state.generator, part).requires_grad_(False)
    return getattr(state, network)
