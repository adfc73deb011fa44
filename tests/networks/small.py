"""Small networks with nothing left at its initial value, so that every term of every layer shows."""

from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.networks.local_bank import LocalBank
from composegan.training.phases import Real

Network = TypeVar("Network", bound=nn.Module)


def stirred(module: Network) -> Network:
    """Every parameter moved a little: no bias is 0, no gain is 1."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


def small_bank(**changes: Any) -> LocalBank:
    """Four classes of 8 channels on a grid of 4 x 6, class 2 transparent, in float64."""
    settings = {
        "group_of": (0, 1, 2, 3), "transparent": (2,), "height": 4, "width": 6, "octaves": 3, "latent_channels": 10,
        "layers": 4, "depth_layers": 3, "channels": 8, "feature_channels": 12, "recompute": False, **changes,
    }  # fmt: skip
    return stirred(LocalBank(**settings)).double()


def small_generator(**changes: Any) -> Generator:
    """Four classes at 32 x 32, class 2 transparent, in float32."""
    settings = {
        "classes": 4, "height": 32, "width": 32, "transparent": (2,), "latent_channels": 12, "mapping_layers": 2,
        "local_layers": 4, "base_layers": 1, "depth_layers": 3, "local_channels": 8, "coarse_channels": 16,
        "coarse_size": 16, "min_feat_size": 8, "channel_multiplier": 0.02, "max_channels": 16, "recompute": False,
        **changes,
    }  # fmt: skip
    return stirred(Generator(**settings))


def small_discriminator(**changes: Any) -> Discriminator:
    """Of the same four classes at 32 x 32, in float32."""
    settings = {"classes": 4, "height": 32, "width": 32, "multiplier": 0.02, "max_channels": 16, **changes}
    return stirred(Discriminator(**settings))


def small_batch(classes: int = 4, height: int = 32, width: int = 32) -> Real:
    """Two labelled pictures of the same size."""
    labels = torch.randint(0, classes, (2, height, width), dtype=torch.uint8)
    return Real(torch.randn(2, 3, height, width), labels)


def derivatives(outputs: tuple[Tensor, ...], codes: Tensor, bank: LocalBank) -> list[Tensor]:
    """First derivatives of a function of the bank's outputs by codes and parameters, and the parameters' derivatives of
    a function of those by the codes, as path length has them."""
    features, m, _ = outputs
    height = (features * torch.linspace(0, 1, features.numel()).view_as(features)).sum() + m.square().sum()
    (by_codes,) = torch.autograd.grad(height, codes, create_graph=True)
    parameters = list(bank.parameters())
    first = torch.autograd.grad(height, parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
    second = torch.autograd.grad(by_codes.square().sum(), parameters, allow_unused=True, materialize_grads=True)
    return [by_codes, *first, *second]
