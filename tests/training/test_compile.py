"""Compiled networks train like the others."""

import pytest
import torch

from composegan.config.schema import TrainingConfig
from composegan.training.phases import State, phases
from tests.networks.small import small_batch, small_discriminator, small_generator


@pytest.mark.slow  # half a minute of compiling
def test_compiled_phases_have_the_same_losses_and_gradients():
    torch.manual_seed(0)
    generator, discriminator, real = small_generator(noise=False), small_discriminator(), small_batch()
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
