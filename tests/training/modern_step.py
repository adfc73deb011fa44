"""Tiny modern networks and the gradients of each phase of the modern objective."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from composegan.config.schema import TrainingConfig
from composegan.networks.class_sets import ClassSets
from composegan.networks.joint_discriminator import JointDiscriminator
from composegan.networks.modern_generator import ModernGenerator
from composegan.training import modern_recipe
from composegan.training.phases import Phase, Real, State
from composegan.training.step import run_phase
from tests.networks.small import stirred

CLASSES, BATCH, SIZE = 5, 4, 8
SETS = [[1, 1, 0, 1, 0], [1, 0, 0, 0, 1], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0]]
SMALL: dict[str, Any] = {
    "classes": CLASSES, "height": SIZE, "width": SIZE, "transparent": [2], "latent_channels": 8, "mapping_layers": 1,
    "local_layers": 2, "base_layers": 1, "depth_layers": 1, "local_channels": 4, "coarse_channels": 6,
    "coarse_size": 4, "min_feat_size": 4, "max_channels": 6, "recompute": False, "shapes": 2,
}  # fmt: skip


def modern_state(**changes: Any) -> State:
    """Modern networks for five classes at 8 x 8, with class sets of two to four classes."""
    torch.manual_seed(0)
    generator = stirred(ModernGenerator(**{**SMALL, **changes}))
    discriminator = stirred(JointDiscriminator(classes=CLASSES, height=SIZE, width=SIZE, multiplier=2, max_channels=6))
    sets = ClassSets(torch.tensor(SETS), torch.ones(len(SETS)), torch.full((CLASSES,), 0.2))
    return State(generator, discriminator, torch.zeros(()), class_sets=sets)


def modern_phases() -> tuple[Phase, ...]:
    """All phases, without a warm-up."""
    return modern_recipe.phases(TrainingConfig(batch=BATCH, presence=1.0, mixing=0.5), modern_recipe.Settings(warmup=0))


def real_batch() -> Real:
    image = torch.randn(BATCH, 3, SIZE, SIZE).contiguous(memory_format=torch.channels_last)
    return Real(image, torch.randint(0, CLASSES, (BATCH, SIZE, SIZE), dtype=torch.uint8))


def gradients(phase: Phase, state: State, real: Real, seed: int) -> tuple[Tensor, Tensor]:
    """The figures of a phase, and the gradients of all weights of its network in one vector."""
    torch.manual_seed(seed)
    figures = run_phase(phase, state, [real])
    learned = [p.grad.flatten() for p in getattr(state, phase.network).parameters() if p.grad is not None]
    return torch.stack(list(figures.values())), torch.cat(learned)
