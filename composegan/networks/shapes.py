"""Typical shapes: where a class's pseudo-depth begins, chosen by its latent code."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.networks.precision import widened, without_autocast
from composegan.networks.routing import Routing

SHAPES = 32
"""How many views there are at most. A class has a shape in each."""
STEEP, STEEPEST = 3.0, 24.0
"""Standard deviations of the logits at the start, of a choice of shapes and of one of views: large, so that a code
chooses nearly one. Views are hardly mixed, because the shapes of two views do not fit together."""
TINY = 1e-30
"""Least likelihood of a shape in a view. Those saved in half precision may be 0, whose logarithm has no gradient."""
RATES = (0.02, 0.98)
"""Bounds of how often a view has a class, so that no class set is impossible in a view."""
NEVER = -30.0
"""The log odds of an absent class."""


class TypicalShapes(nn.Module):
    """Base code (B, S) and shape codes (B, K, S) -> shares (K, B, J) of the J shapes of each class.

    Classes lie over one another in a fixed order. A shape is given by the log odds of the class, at each place, against
    all classes behind it. A class's pseudo-depth begins with that mixture of its shapes (`depth`). The base code
    chooses one of V views, and a shape code one of the shapes that its class has in this view. Shapes, order and views
    are set from data (`set`) and do not learn; the choice does.
    """

    odds: Tensor
    likely: Tensor
    rank: Tensor

    def __init__(self, classes: int, shapes: int, height: int, width: int, latent_channels: int) -> None:
        super().__init__()
        self.size = (height, width)
        self.register_buffer("odds", torch.zeros(classes, shapes, height, width))
        self.register_buffer("rank", torch.arange(float(classes)))
        self.register_buffer("likely", torch.ones(shapes, classes, shapes) / shapes)
        self.view_weight = nn.Parameter(STEEP * torch.randn(shapes, latent_channels))
        self.view_bias = nn.Parameter(torch.zeros(shapes))
        self.weight = nn.Parameter(STEEP * torch.randn(classes, shapes, latent_channels))
        self.bias = nn.Parameter(torch.zeros(classes, shapes))

    @torch.no_grad()
    def set(self, odds: Tensor, likely: Tensor, order: Tensor, codes: Tensor) -> None:
        """Set the shapes, log odds (K, J, any height, any width); how likely a picture of each view has each class in
        each shape, (V, K, J) above 0, with sums over J of at most 1; and the classes from back to front (K). codes:
        random ones (N, S), whose mean prefers none."""
        self.odds.copy_(F.interpolate(odds, self.size, mode="bilinear"))
        self.rank.copy_(order.argsort())
        self.likely.copy_(likely)
        for weight, bias, steep in ((self.view_weight, self.view_bias, STEEPEST), (self.weight, self.bias, STEEP)):
            logits = F.linear(codes, weight.flatten(0, -2)) / math.sqrt(codes.shape[1])  # (N, n)
            deviation, mean = torch.std_mean(logits, dim=0)  # (n) twice
            scale = steep / deviation.clamp_min(1e-6)  # (n)
            weight.mul_(scale.view_as(bias)[..., None])
            bias.copy_((-mean * scale).view_as(bias))

    def forward(self, base: Tensor, codes: Tensor) -> Tensor:
        codes = codes.transpose(0, 1) / math.sqrt(base.shape[1])  # (K, B, S)
        view = self._view(base).softmax(dim=1)  # (B, V)
        likely = torch.matmul(view, self.likely.transpose(0, 1)).clamp_min(TINY).log()  # (K, B, J)
        logits = torch.matmul(codes, self.weight.transpose(1, 2)) + self.bias[:, None]  # (K, B, J)
        return (likely + logits).softmax(dim=2)  # (K, B, J)

    def depth(self, shares: Tensor, routing: Routing | None = None) -> Tensor:
        """Shares (K, B, J) -> pseudo-depths, less that of class 0, of the N pairs present, or of all: (N, h w).

        With p_k the probability by the mixed log odds of class k, that pseudo-depth is the logarithm of
        `p_k prod (1 - p_c)` over the classes c in front of k, as in painting from back to front.
        """
        odds, rank = torch.matmul(shares, self.odds.flatten(2)).transpose(0, 1), self.rank  # (B, K, h w), (K)
        if routing is not None:  # Q classes of each sample, of which some may be absent
            odds = routing.seated(odds).masked_fill(routing.vacant[..., None], NEVER)  # (B, Q, h w)
            rank = rank[routing.seat_class]  # (B, Q)
        clear = F.logsigmoid(-odds)  # (B, Q, h w), log (1 - p)
        in_front = (rank[..., None, :] > rank[..., :, None]).to(clear)  # (Q, Q) or (B, Q, Q)
        depth = odds + clear + torch.matmul(in_front, clear)  # (B, Q, h w); log p = log odds + log (1 - p)
        if routing is None:
            return (depth - depth[:, :1]).flatten(0, 1)  # (B K, h w)
        # Class 0 may be absent; then all the others are in front of it.
        zero = torch.where(routing.seat_class[:, :1, None] == 0, depth[:, :1], NEVER + clear.sum(dim=1, keepdim=True))
        return (depth - zero).flatten(0, 1).index_select(0, routing.seat)  # (N, h w)

    def fit(self, base: Tensor, classes: Tensor) -> Tensor:
        """Base codes (N, S), class sets (N, K) bool -> `log p(set | view of the code) / max_v p(set | view v)`, (N).

        p is a product over classes. Without a table from the data, every set is as likely in all views: 0.
        """
        with without_autocast(base.device):
            rate = widened(self.likely).sum(dim=2).clamp(*RATES)  # (V, K)
            classes = classes.to(rate)  # (N, K)
            chance = F.linear(classes, rate.log()) + F.linear(1 - classes, (1 - rate).log())  # (N, V)
            view = self._view(widened(base)).log_softmax(dim=1)  # (N, V)
            return (view + chance).logsumexp(dim=1) - chance.amax(dim=1)  # (N)

    def _view(self, base: Tensor) -> Tensor:
        """Base codes (N, S) -> logits of the views, (N, V)."""
        return F.linear(base / math.sqrt(base.shape[1]), self.view_weight, self.view_bias)
