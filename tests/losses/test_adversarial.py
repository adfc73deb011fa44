"""The logistic losses are the log-likelihoods they stand for."""

import torch

from composegan.losses.adversarial import discriminator_loss, generator_loss


def test_discriminator_loss():
    real, fake = torch.randn(5, 1, dtype=torch.float64), torch.randn(5, 1, dtype=torch.float64)
    expected = -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()
    torch.testing.assert_close(discriminator_loss(real, fake), expected)


def test_generator_loss():
    fake = torch.randn(5, 1, dtype=torch.float64)
    torch.testing.assert_close(generator_loss(fake), -fake.sigmoid().log().mean())


def test_adversarial_losses_do_not_overflow():
    sure = torch.tensor([[200.0]])
    assert discriminator_loss(sure, -sure) == 0
    assert discriminator_loss(-sure, sure) == 400
    assert generator_loss(-sure) == 200


def test_generator_loss_keeps_gradient_when_losing():
    """Non-saturating: where the discriminator is sure, the gradient is 1 and not 0."""
    score = torch.tensor([[-50.0]], requires_grad=True)
    generator_loss(score).backward()
    assert score.grad.item() == -1
