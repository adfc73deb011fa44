"""What a new modern model begins with: the shapes and colours that classes have in the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from composegan.config.schema import Config
from composegan.data.statistics import ClassStatistics
from composegan.networks.generator import Generator
from composegan.networks.modern_generator import ModernGenerator
from composegan.networks.shapes import RATES
from composegan.plugin.domain import DomainSpec

RARE, LIFT, SHARP = 0.02, 0.75, 1.5
"""The least chance of a class in a typical shape, so that it can still change everywhere; how far rare classes are
lifted, so that they are seen somewhere; and the factor of the logarithms, above 1 for clear outlines."""
PRIOR = 1.0
"""Pictures with the usual classes that each view has besides its own."""
ALIKE = 0.05
"""A class is less likely by a factor of e to have the shape of another view for each 0.05 that their intersection over
union is below 1."""


def class_shapes(config: Config, spec: DomainSpec, statistics: ClassStatistics, count: int) -> tuple[Tensor, Tensor]:
    """Pseudo-depths (K, J, h, w) of the shapes that classes have in the J = `count` most frequent views, and how likely
    a picture of each view has each class in each of its shapes: (J, K, J).

    The pseudo-depth is `SHARP log((p + RARE) / (q + RARE)^LIFT)`, p: how often the class is at a place, among the
    pictures of a view with that class; q: the least p in its most frequent places, as many as it covers on average.
    So a small class that is elsewhere in each picture begins in one place. A class may also have the shapes of other
    views, if these are alike. With `data.flip`, half of the views are mirror images of the other half.
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
    chance = torch.exp((overlap(shapes) - 1) / ALIKE) * (having.T > 0)[:, None]  # (K, J, J)
    known = having.T[..., None] > 0  # (K, J, 1); in views without the class, the shapes of all others are as likely
    chance = torch.where(known, chance, having.T[:, None]) + 1e-6  # (K, J, J)
    likely = rate[..., None] * (chance / chance.sum(dim=2, keepdim=True)).transpose(0, 1)  # (J, K, J)
    depth = (shapes + RARE).log() - LIFT * (least(shapes)[..., None, None] + RARE).log()  # (K, J, h, w)
    return SHARP * depth, likely


def least(shapes: Tensor) -> Tensor:
    """Shares (K, J, h, w) -> the n-th largest of each shape, n: the sum, rounded, at least 1. (K, J)."""
    shares = shapes.flatten(2).sort(dim=2, descending=True).values  # (K, J, P)
    place = shares.sum(dim=2).round().long().clamp(1, shares.shape[2]) - 1  # (K, J)
    return shares.take_along_dim(place[..., None], dim=2)[..., 0]


def overlap(shapes: Tensor) -> Tensor:
    """Shares (K, J, h, w) -> intersection over union of each class's shapes: (K, J, J)."""
    shapes = shapes.flatten(2)  # (K, J, P)
    both = torch.stack([torch.minimum(shapes, shapes[:, [j]]).sum(dim=2) for j in range(shapes.shape[1])], dim=1)
    area = shapes.sum(dim=2)  # (K, J)
    return both / (area[:, None] + area[:, :, None] - both).clamp_min(1e-6)  # (K, J, J)


LEAST_TINT = 0.05
"""Standard deviation, of 2, of colours that are the same everywhere in the data: a class may still learn others."""


def class_colors(statistics: ClassStatistics) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The colours of the classes in the data, in -1..1: means (K, 3), factors F (K, 3, 3), deviations (K, 3) and
    correlations R (K, K, 3, 3).

    `F n`, n normal, is how a class's mean colour varies between pictures; its pixels deviate from it within a picture.
    R is the covariance of the n of two classes.
    """
    mean, covariance = torch.from_numpy(2 * statistics.color - 1), torch.from_numpy(4 * statistics.tints)
    values, vectors = torch.linalg.eigh(covariance.diagonal().permute(2, 0, 1))  # (K, 3), (K, 3, 3)
    deviation = values.clamp_min(LEAST_TINT**2).sqrt()[:, None]  # (K, 1, 3)
    factor, inverse = (vectors * deviation) @ vectors.mT, (vectors / deviation) @ vectors.mT  # (K, 3, 3) twice
    together = inverse[:, None] @ covariance @ inverse  # (K, K, 3, 3)
    grain = torch.from_numpy(2 * statistics.grain).clamp_min(LEAST_TINT)
    return mean.float(), factor.float(), grain.float(), together.float()


CODES = 4000
"""Whose mean and deviation are taken for those of all codes."""


@torch.no_grad()
def begin_with_data(
    generators: Sequence[Generator], config: Config, spec: DomainSpec, statistics: Callable[[], ClassStatistics]
) -> None:
    """Set the shapes and colours of equal new generators, if their family has such. statistics: called only then."""
    modern = [generator for generator in generators if isinstance(generator, ModernGenerator)]
    if not modern or modern[0].local.shapes is None:
        return
    first, count = modern[0], len(modern[0].local.shapes.view_bias)
    z = torch.randn(CODES, first.latent_channels, generator=torch.Generator().manual_seed(0))
    codes, found = first.map(z.to(first.slot_of_code.device)), statistics()  # (N, S)
    shapes, colors = class_shapes(config, spec, found, count), class_colors(found)
    for generator in modern:
        assert generator.local.shapes is not None
        generator.local.shapes.set(*shapes, codes)
        generator.texture.set_colors(*colors, codes)
