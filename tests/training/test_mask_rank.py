"""With `model.mask_rank` no phase of a step builds K channels at the size of the picture."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from composegan.config.schema import TrainingConfig
from composegan.networks.class_sets import ClassSets
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.training.phases import Real, State, phases

CLASSES, HEIGHT, WIDTH = 23, 32, 64
"""A number of classes that is no other size."""

WIDTHS = {
    "latent_channels": 12, "mapping_layers": 2, "local_layers": 4, "base_layers": 1, "depth_layers": 3,
    "local_channels": 8, "coarse_channels": 16, "coarse_size": 16, "min_feat_size": 8, "channel_multiplier": 0.02,
    "max_channels": 16,
}  # fmt: skip


class Large(TorchDispatchMode):
    """Collects the shapes of K-channel tensors at full size, in any order of dimensions."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            sizes = set(tensor.shape) if isinstance(tensor, torch.Tensor) else set()
            if {CLASSES, HEIGHT, WIDTH} <= sizes or {CLASSES, HEIGHT * WIDTH} <= sizes:
                self.found.add(tuple(tensor.shape))
        return result


def state(rank: int) -> State:
    torch.manual_seed(0)
    generator = Generator(
        classes=CLASSES, height=HEIGHT, width=WIDTH, group_of=[k % 3 for k in range(CLASSES)], mask_rank=rank, **WIDTHS
    )
    discriminator = Discriminator(classes=CLASSES, height=HEIGHT, width=WIDTH, multiplier=0.02, max_channels=16)
    sets = torch.rand(9, CLASSES) < 0.4
    sets[:, 0] = True
    areas = torch.full((CLASSES,), 1 / CLASSES)
    return State(generator, discriminator, torch.zeros(()), class_sets=ClassSets(sets, torch.ones(9), areas))


def large_in(phase, rank: int) -> set[tuple[int, ...]]:
    one = state(rank)
    real = Real(torch.randn(2, 3, HEIGHT, WIDTH), torch.randint(0, CLASSES, (2, HEIGHT, WIDTH), dtype=torch.uint8))
    with Large() as large:
        loss, _ = phase.loss(one, real)
        loss.backward()
    assert loss.isfinite()
    return large.found


PHASES = phases(TrainingConfig(augment=0.5, presence=1.0, class_sets="data"))


@pytest.mark.parametrize("phase", PHASES, ids=[phase.name for phase in PHASES])
def test_no_phase_builds_k_channels_at_full_size(phase):
    assert large_in(phase, rank=3) == set()


def test_without_mask_rank_phases_build_k_channels():
    """Shows that the test above would find them."""
    assert large_in(PHASES[2], rank=0)
