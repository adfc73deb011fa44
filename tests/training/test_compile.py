"""Compiled networks train like the others, every phase of the modern objective included, and are compiled once."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch._dynamo.utils import counters

from composegan.config.schema import TrainingConfig
from composegan.training.compiled import compiled
from composegan.training.phases import State, phases
from tests.networks.small import small_batch, small_discriminator, small_generator
from tests.training.modern_step import gradients, modern_phases, modern_state, real_batch

ROUNDING = {"Dreg": 3e-4}
"""Relative error of the gradients of a phase, by default 1e-5: a multiple of float32's 6e-8. Finite differences divide
the rounding of scores by epsilon, 0.01."""


def with_compiled(state: State, **options: Any) -> State:
    """The same networks, compiled anew and counted."""
    torch._dynamo.reset()
    counters.clear()
    fast = copy.copy(state)
    fast.path_mean = state.path_mean.clone()
    fast.synthesize, fast.judge = (compiled(network, **options) for network in (state.generator, state.discriminator))
    return fast


def check(plain: State, backend: str, steps: int = 3, names: str = "", rounding: float = 1e-5) -> None:
    """Compare phases with their compiled forms.

    Only the first step compiles, each method as one graph, although the number of (sample, class) pairs varies.
    """
    graphs = 0
    fast = with_compiled(plain, backend=backend, fullgraph=True)
    for step in range(steps):
        real = real_batch()
        for phase in (phase for phase in modern_phases() if phase.name in (names or phase.name)):
            (figures, expected), (found, learned) = (gradients(phase, state, real, step) for state in (plain, fast))
            torch.testing.assert_close(found, figures, rtol=max(1e-4, rounding), atol=max(1e-4, rounding))
            assert (learned - expected).norm() <= max(ROUNDING.get(phase.name, 0), rounding) * expected.norm(), phase
        assert graphs in (0, counters["stats"]["unique_graphs"])
        graphs = counters["stats"]["unique_graphs"]


def test_every_modern_phase_is_traced_once():
    check(modern_state(), "eager")


def test_compiled_repainting_equals_eager():
    check(modern_state(), "aot_eager", steps=1, names="Gpaint")


@pytest.mark.slow  # half a minute of tracing each
@pytest.mark.parametrize(
    "changes",
    [
        {"recompute": True},
        {"group_of": [0, 1, 0, 1, 1], "mask_rank": 3, "adapter_rank": 1},
        {"texture_threshold": 0.01, "texture_capacity": 0.9},
    ],
)
def test_every_compiled_modern_phase_equals_eager(changes):
    check(modern_state(**changes), "aot_eager")


@pytest.mark.slow  # minutes of compiling
def test_every_modern_phase_with_generated_code_equals_eager():
    check(modern_state(), "inductor")


@pytest.mark.slow
def test_every_compiled_modern_phase_in_bfloat16_equals_eager():
    with torch.autocast("cpu", torch.bfloat16):
        check(modern_state(), "aot_eager", rounding=0.05)


@pytest.mark.slow  # half a minute of compiling
def test_compiled_phases_have_the_same_losses_and_gradients():
    torch.manual_seed(0)
    generator, discriminator, real = small_generator(noise=False), small_discriminator(), small_batch()
    plain = State(generator, discriminator, torch.zeros(()))
    fast = with_compiled(plain)
    for phase in phases(TrainingConfig()):
        moving = getattr(plain, phase.network)
        answers = []
        for state in (plain, fast):
            torch.manual_seed(1)
            moving.zero_grad()
            loss, _ = phase.loss(state, real)
            loss.backward()
            answers.append((loss.detach(), [p.grad.clone() for p in moving.parameters() if p.grad is not None]))
        torch.testing.assert_close(*answers, rtol=1e-3, atol=1e-4)
