"""Compiled networks train like the others."""

import pytest
import torch

from composegan.config.schema import TrainingConfig
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.training.phases import Real, State, phases

SMALL = {
    "latent_channels": 16, "mapping_layers": 2, "local_layers": 4, "base_layers": 1, "depth_layers": 3,
    "local_channels": 8, "coarse_channels": 8, "coarse_size": 8, "min_feat_size": 4, "channel_multiplier": 0.01,
    "noise": False,
}  # fmt: skip


@pytest.mark.slow  # half a minute of compiling
def test_compiled_phases_have_the_same_losses_and_gradients():
    torch.manual_seed(0)
    generator = Generator(classes=3, height=16, width=16, **SMALL)
    discriminator = Discriminator(classes=3, height=16, width=16, multiplier=0.01)
    real = Real(torch.randn(4, 3, 16, 16), torch.randint(0, 3, (4, 16, 16), dtype=torch.uint8))
    plain = State(generator, discriminator, torch.zeros(()))
    fast = State(generator, discriminator, torch.zeros(()), torch.compile(generator), torch.compile(discriminator))
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
