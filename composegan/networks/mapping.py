"""The mapping network: a normal z to an intermediate latent code w."""

from __future__ import annotations

from torch import Tensor, nn

from composegan.networks.layers import EqualizedLinear
from composegan.networks.precision import widened, without_autocast


class Mapping(nn.Module):
    """z (B, channels) -> w (B, channels): `z / sqrt(mean(z^2) + 1e-8)`, then linear layers at a low learning rate."""

    def __init__(self, channels: int, layers: int, rate: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(EqualizedLinear(channels, channels, rate=rate, activation=True) for _ in range(layers))
        )

    def forward(self, z: Tensor) -> Tensor:
        with without_autocast(z.device):  # little work, and codes hold positions
            z = widened(z)
            z = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()  # (B, channels)
            return self.layers(z)  # (B, channels)
