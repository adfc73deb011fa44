"""Every phase of the modern objective under bfloat16 autocast."""

from __future__ import annotations

import pytest
import torch

from tests.training.modern_step import gradients, modern_phases, modern_state, real_batch

ROUNDING = 2**-8
"""Of one number in bfloat16."""


@pytest.mark.parametrize("phase", modern_phases(), ids=lambda phase: phase.name)
def test_gradients_of_modern_phase_differ_by_rounding(phase):
    """Over six batches, by at most 25 roundings: some ten layers, and losses that are differences of scores.

    Phases that run in full precision do not differ.
    """
    state, exact, rough = modern_state(), [], []
    for seed in range(6):
        real = real_batch()
        exact.append(gradients(phase, state, real, seed)[1])
        with torch.autocast("cpu", torch.bfloat16):
            figures, found = gradients(phase, state, real, seed)
        rough.append(found)
        assert figures.isfinite().all()
    error = (torch.cat(rough) - torch.cat(exact)).norm() / torch.cat(exact).norm()
    assert error == 0 if phase.full_precision else 0 < error <= 25 * ROUNDING


def test_phases_of_small_differences_run_in_full_precision():
    assert [phase.name for phase in modern_phases() if phase.full_precision] == ["Dreg", "Glocal"]
