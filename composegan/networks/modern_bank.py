"""The local generators of `model.family=modern`: at half the size of the composition, added to typical shapes."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.networks.composition import compose_flat, feature_weights
from composegan.networks.layers import activate
from composegan.networks.local_bank import LocalBank
from composegan.networks.precision import narrowed, without_autocast
from composegan.networks.routing import Routing
from composegan.networks.shapes import TypicalShapes
from composegan.networks.texture import by_patch, by_row

FAINT = 0.1
"""Factor of the pseudo-depth heads beside typical shapes: these are what a model begins with and learns to change."""


class ModernBank(LocalBank):
    """codes (B, K * layers, S) -> features (B, F, h/2, w/2), class weights m (B, K, h, w), pseudo-depth (B, K, h, w).

    Hidden maps, features and the pseudo-depth heads have half the height and width. The heads' output is enlarged and
    added to the typical shapes, which have all of it.
    """

    shapes: TypicalShapes | None

    def __init__(self, *, height: int, width: int, shapes: int = 0, **settings: Any) -> None:
        super().__init__(height=max(1, height // 2), width=max(1, width // 2), **settings)
        self.grid = (height, width)
        self.shapes = None
        if shapes:
            self.shapes = TypicalShapes(self.classes, shapes, height, width, self.style_weight.shape[-1])
            torch.nn.init.zeros_(self.depth_weight)

    def forward(
        self, codes: Tensor, present: Tensor | Routing | None = None, layout: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As of `LocalBank`. layout: pseudo-depths (B, K, h, w) in place of its own."""
        routing = present if isinstance(present, Routing) else self.route(present, len(codes))
        return self._computed(codes, routing, layout)

    def _forward(
        self, codes: Tensor, routing: Routing | None, layout: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        batch, half = codes.shape[0], (self.height, self.width, self.patch)
        codes = codes.view(batch, self.classes, self.layers, -1)  # (B, K, L, S)
        layers = self._modulated(codes, routing)
        hidden, depth = self._hidden(layers[: self.depth_layers], self.fourier, routing)  # (N, C, P), (N, P)
        if layout is None:
            depth = by_row(depth, 1, *half)[:, None]  # (N, 1, h/2, w/2)
            depth = F.interpolate(depth, self.grid, mode="bilinear")[:, 0].flatten(1)  # (N, h w)
            if self.shapes is not None:
                depth = FAINT * depth + self._typical(self.shapes, codes, routing)  # (N, h w)
            depth = self._all(depth, batch, routing).unflatten(2, self.grid)  # (B, K, h, w)
        else:
            depth = layout.to(codes.dtype)
        m = depth.softmax(dim=1)  # (B, K, h, w); 0 for an absent class
        weights = feature_weights(m.flatten(2), self.opaque).view_as(m)  # (B, K, h, w)
        weights = F.adaptive_avg_pool2d(weights, (self.height, self.width))  # (B, K, h/2, w/2)
        weights = by_patch(weights.flatten(2), *half)  # (B, K, P)
        features = self._features(layers[self.depth_layers :], hidden, weights, routing)  # (B, P, F)
        return by_row(features, 1, *half).permute(0, 3, 1, 2), m, depth

    @torch.no_grad()
    def typical(self, codes: Tensor, routing: Routing | None = None) -> Tensor | None:
        """Class weights of the typical shapes alone, without what was learned beside them, of the classes that are
        present, side by side as of `Routing.seated`: (B, Q, h, w), 0 in vacant seats. None without typical shapes.

        codes: (B, K layers, S); routing None: all classes, Q = K.
        """
        if self.shapes is None:
            return None
        codes = codes.view(len(codes), self.classes, self.layers, -1)  # (B, K, L, S)
        depth = self._typical(self.shapes, codes, routing)  # (N, h w)
        if routing is None:
            depth = depth.unflatten(0, codes.shape[:2])  # (B, K, h w)
        else:
            seats = depth.new_full((routing.seats[0] * routing.seats[1], depth.shape[1]), -math.inf)
            depth = seats.index_copy(0, routing.seat, depth).unflatten(0, routing.seats)  # (B, Q, h w)
        return depth.softmax(dim=1).unflatten(2, self.grid)  # (B, Q, h, w)

    @staticmethod
    def _typical(shapes: TypicalShapes, codes: Tensor, routing: Routing | None) -> Tensor:
        """Codes (B, K, L, S) -> pseudo-depths of the pairs that are present (N, h w)."""
        base = codes[:, -1, 0]  # (B, S); the last class takes the base code, if any does
        return shapes.depth(shapes(base, codes[:, :, -1]), routing)

    def _composed(self, hidden: Tensor, weights: Tensor, gain: Tensor, routing: Routing | None) -> Tensor:
        flat = hidden.device.type == "cpu" and not torch.compiler.is_compiling()  # compiled, counts would be constants
        if self.member is not None or (routing is not None and not flat):
            return super()._composed(hidden, weights, gain, routing)
        if routing is None:
            hidden = hidden.unflatten(0, weights.shape[:2])  # (B, K, C, P)
        else:
            weights = weights.flatten(0, 1).index_select(0, routing.pair)  # (N, P)
        return compose_flat(hidden, weights, self.feature_weight, gain, self.feature_bias, routing)

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
