"""The local generators of `model.family=modern`: those of the paper, with fewer copies and tiles.

A class of its own, because it sums in another order, and runs of `family=paper` must not change in the last bit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from composegan.networks.composition import compose_flat
from composegan.networks.layers import activate
from composegan.networks.local_bank import LocalBank
from composegan.networks.precision import narrowed, without_autocast
from composegan.networks.routing import Routing

TILE = 1 << 24
"""Outputs of a layer, for all classes and the whole batch, that the CPU processes at a time: a bound on memory, since
smaller tiles cost more operations than the cache gains."""


class ModernBank(LocalBank):
    """As `LocalBank`; equal to it up to rounding."""

    def _composed(self, hidden: Tensor, weights: Tensor, gain: Tensor, routing: Routing | None) -> Tensor:
        if self.member is not None or (routing is not None and hidden.device.type != "cpu"):
            return super()._composed(hidden, weights, gain, routing)
        if routing is None:
            hidden = hidden.unflatten(0, weights.shape[:2])  # (B, K, C, P)
        else:
            weights = weights.flatten(0, 1).index_select(0, routing.pair)  # (N, P)
        return compose_flat(hidden, weights, self.feature_weight, gain, self.feature_bias, routing)

    def _tiles(self, batch: int) -> int:
        if self.fourier.device.type != "cpu":
            return 1
        pixels = self.height * self.width
        return max(1, min(batch * self.classes * self.channels * pixels // TILE, pixels // 128))

    def _hidden(
        self, layers: list[tuple[Tensor, Tensor]], fourier: Tensor, routing: Routing | None
    ) -> tuple[Tensor, Tensor]:
        position = self.position / math.sqrt(self.position.shape[1])  # (C, waves)
        (first, bias), *others = layers
        with without_autocast(fourier.device):
            x = torch.mm(first.flatten(0, 1) @ position, fourier).add_(bias.flatten(0, 1))  # (N C, P)
        x = self._more(others, activate(narrowed(x)).view(-1, self.channels, x.shape[1]))  # (N, C, P)
        return x, self._depth(x, routing)  # (N, C, P), (N, P)

    @staticmethod
    def _more(layers: list[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
        for weight, bias in layers:  # `baddbmm` would first copy the bias to every pixel
            x = activate(torch.bmm(weight, x).add_(bias))  # (N, C, P)
        return x
