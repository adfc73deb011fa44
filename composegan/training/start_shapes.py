"""The typical shapes that a new modern model begins with: where classes are in each view, and what is behind them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.config.schema import Config
from composegan.data.statistics import ClassStatistics
from composegan.networks.shapes import RATES
from composegan.plugin.domain import DomainSpec

RARE, LIFT, SHARP = 0.02, 0.75, 1.5
"""Added to probabilities, so that a class can still change everywhere; how far rare classes are lifted, so that they
are seen somewhere; and the factor of the log odds, above 1 for clear outlines."""
PRIOR = 1.0
"""Pictures with the usual classes that each view has besides its own."""
ALIKE = 0.04
"""A class is less likely by a factor of e to have the shape of another view for each 0.04 by which the two views differ
around it."""
CLOSE, HIDDEN = 0.1, 0.2
"""What is behind a class in a view is taken from other views, less by a factor of e for each 0.1 by which they differ;
and the weight of that."""
REACH = 9
"""Cells, of 32, of the square that counts as around a place."""


def class_shapes(
    config: Config, spec: DomainSpec, statistics: ClassStatistics, count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """What classes look like in the J = `count` most frequent views, as of `TypicalShapes.set`: log odds (K, J, h, w),
    how likely a picture of each view has each class in each of its shapes (J, K, J), and the classes from back to front
    (K).

    A class may also have the shapes of other views, if these are alike around it: other hair on the same head, but no
    door of a car that is seen from another side. With `data.flip`, half of the views are mirror images of the others.
    """
    part = -(-count // 2) if config.data.flip else count
    pictures = torch.from_numpy(statistics.view_counts)
    views = pictures.argsort(descending=True, stable=True)[:part]  # (j)
    shapes = torch.from_numpy(statistics.shapes)[:, views]  # (K, j, h, w)
    having, pictures = torch.from_numpy(statistics.shape_counts)[views].float(), pictures[views].float()  # (j, K), (j)
    if config.data.flip:
        other = list(spec.mirrored)
        shapes = torch.cat((shapes, shapes[other].flip(3)), dim=1)[:, :count]  # (K, J, h, w)
        having = torch.cat((having, having[:, other]))[:count]  # (J, K)
        pictures = pictures.repeat(2)[:count]  # (J)
    usual = having.sum(dim=0) / pictures.sum().clamp_min(1)  # (K)
    rate = ((having + PRIOR * usual) / (pictures + PRIOR)[:, None]).clamp(*RATES)  # (J, K)
    seen = shapes * rate.T[..., None, None]  # (K, J, h, w)
    seen = seen / seen.sum(dim=0).clamp_min(1e-6)  # (K, J, h, w), in all pictures of the view

    chance = torch.exp((likeness(shapes, seen) - 1) / ALIKE) * (having.T > 0)[:, None]  # (K, J, J)
    known = having.T[..., None] > 0  # (K, J, 1); in views without the class, the shapes of all others are as likely
    chance = torch.where(known, chance, having.T[:, None]) + 1e-6  # (K, J, J)
    likely = rate[..., None] * (chance / chance.sum(dim=2, keepdim=True)).transpose(0, 1)  # (J, K, J)
    order = back_to_front(shapes, having)
    return log_odds(shapes, seen, rate, order), likely, order


def back_to_front(shapes: Tensor, having: Tensor) -> Tensor:
    """The classes from the largest to the smallest, class 0 first: (K). What is small is seldom behind what is large.

    shapes: (K, J, h, w); having: pictures of each view with each class, (J, K).
    """
    area = (shapes.mean(dim=(2, 3)) * having.T).sum(dim=1) / having.sum(dim=0).clamp_min(1)  # (K)
    area[0] = torch.inf
    return area.argsort(descending=True, stable=True)


def log_odds(shapes: Tensor, seen: Tensor, rate: Tensor, order: Tensor) -> Tensor:
    """The log odds of each class against all classes behind it: (K, J, h, w).

    With p how often the class is at a place, among the pictures of a view with that class, and b the same of the
    classes behind it, these are `SHARP (log (p / b) - LIFT log r)`; r: the least p / b in the places where it is
    highest, as many as the class covers on average. So a small class that is elsewhere in each picture begins in one
    place.
    Where neither is ever seen, as behind the hair of a view, p and b are those nearby and in views that are alike.
    """
    ordered = seen[order]
    behind = (ordered.cumsum(dim=0) - ordered)[order.argsort()]  # (K, J, h, w)
    behind = behind * (1 - shapes) / (1 - seen).clamp_min(1e-3)  # (K, J, h, w), in pictures with the class
    alike = torch.stack([torch.minimum(seen, one[:, None]).sum(dim=0).mean(dim=(1, 2)) for one in seen.unbind(dim=1)])
    weight = ((alike - 1) / CLOSE).exp()  # (J, J)
    rate = rate.T[..., None]  # (K, J, 1)
    usual = torch.matmul(weight, (rate * shapes.flatten(2))) / torch.matmul(weight, rate)  # (K, J, P)
    others = torch.matmul(weight / weight.sum(dim=1, keepdim=True), behind.flatten(2))  # (K, J, P)
    usual, others = around(usual.view_as(shapes)), around(others.view_as(shapes))  # (K, J, h, w) twice
    odds = (shapes + HIDDEN * usual + RARE) / (behind + HIDDEN * others + RARE)  # (K, J, h, w)
    odds = odds.log()  # (K, J, h, w)
    return SHARP * (odds - LIFT * least_of(odds, shapes)[..., None, None])


def least_of(odds: Tensor, shapes: Tensor) -> Tensor:
    """The n-th largest of the log odds of each shape, n: the sum of its shares, rounded, at least 1. (K, J).

    odds, shapes: (K, J, h, w).
    """
    odds = odds.flatten(2).sort(dim=2, descending=True).values  # (K, J, P)
    place = shapes.sum(dim=(2, 3)).round().long().clamp(1, odds.shape[2]) - 1  # (K, J)
    return odds.take_along_dim(place[..., None], dim=2)[..., 0]


def likeness(shapes: Tensor, seen: Tensor) -> Tensor:
    """How well two views agree around class k where neither has it, of how well the first agrees with itself: (K, J, J)
    in 0..1. 0 where the first does not have it.

    shapes: how often a class is at a place, in pictures with the class; seen: in all, (K, J, h, w) twice.
    """
    flat = seen.flatten(2)  # (K, J, P)
    both = torch.stack([torch.minimum(flat, flat[:, [j]]).sum(dim=0) for j in range(flat.shape[1])])  # (J, J, P)
    found = []
    for shape, near, own in zip(shapes.flatten(2), around(shapes).flatten(2), flat, strict=True):  # (J, P) each
        place = (1 - torch.maximum(shape, shape[:, None])) * (near + near[:, None])  # (J, J, P)
        agreed = both - torch.minimum(own, own[:, None])  # (J, J, P)
        most = torch.minimum(1 - own, 1 - own[:, None])  # (J, J, P)
        found.append((place * agreed).sum(dim=2) / (place * most).sum(dim=2).clamp_min(1e-6))
    ratio = torch.stack(found)  # (K, J, J)
    return (ratio / ratio.diagonal(dim1=1, dim2=2)[..., None].clamp_min(1e-3)).clamp(max=1)


def around(maps: Tensor) -> Tensor:
    """Means (K, J, h, w) over the square around each place."""
    return F.avg_pool2d(maps, REACH, stride=1, padding=REACH // 2, count_include_pad=False)
