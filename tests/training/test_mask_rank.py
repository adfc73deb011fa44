"""With `model.mask_rank` no phase of a step builds K channels at the size of the picture."""

import pytest
import torch

from composegan.config.schema import TrainingConfig
from composegan.networks.class_sets import ClassSets
from composegan.training.phases import State, phases
from tests.helpers import Watching
from tests.networks.small import small_batch, small_discriminator, small_generator

CLASSES, HEIGHT, WIDTH = 23, 32, 64
"""A number of classes that is no other size."""


def large_in(phase, rank):
    """The shapes of K-channel tensors at full size, in any order of dimensions, that a phase builds."""
    groups = [k % 3 for k in range(CLASSES)]
    size = {"classes": CLASSES, "height": HEIGHT, "width": WIDTH}
    generator = small_generator(**size, group_of=groups, transparent=(), mask_rank=rank)
    sets = torch.rand(9, CLASSES) < 0.4
    sets[:, 0] = True
    class_sets = ClassSets(sets, torch.ones(9), torch.full((CLASSES,), 1 / CLASSES))
    state = State(generator, small_discriminator(**size), torch.zeros(()), class_sets=class_sets)
    found = set()

    def look(function, results):
        shapes = {tuple(tensor.shape) for tensor in results}
        found.update(s for s in shapes if {CLASSES, HEIGHT, WIDTH} <= {*s} or {CLASSES, HEIGHT * WIDTH} <= {*s})

    with Watching(look):
        loss, _ = phase.loss(state, small_batch(**size))
        loss.backward()
    assert loss.isfinite()
    return found


PHASES = phases(TrainingConfig(augment=0.5, presence=1.0, class_sets="data"))


@pytest.mark.parametrize("phase", PHASES, ids=[phase.name for phase in PHASES])
def test_no_phase_builds_k_channels_at_full_size(phase):
    assert large_in(phase, rank=3) == set()


def test_without_mask_rank_phases_build_k_channels():
    """Shows that the test above would find them."""
    assert large_in(PHASES[2], rank=0)
