"""What a new modern model begins with: the shapes and colours that classes have in the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from composegan.config.schema import Config
from composegan.data.statistics import ClassStatistics
from composegan.networks.generator import Generator
from composegan.networks.modern_generator import ModernGenerator
from composegan.plugin.domain import DomainSpec

RARE = 0.01
"""The least chance of a class in a typical shape, and of another one: the shape can still change everywhere."""


def class_shapes(config: Config, spec: DomainSpec, statistics: ClassStatistics, count: int) -> tuple[Tensor, Tensor]:
    """Pseudo-depths of the J = `count` most frequent shapes, (K, J, h, w), and how likely a class has each in each of
    as many views: (J, K, J).

    The pseudo-depth is `log(p + RARE) - log(1 - p + RARE)`, p: how often the class is at a place, among the pictures
    with that shape. Class 0 has pseudo-depth 0. With `data.flip`, half are mirror images of the other half.
    """
    part = -(-count // 2) if config.data.flip else count
    counts = torch.from_numpy(statistics.shape_counts).float()  # (V, K, J)
    often = counts.sum(dim=0).argsort(dim=1, descending=True)[:, :part]  # (K, j)
    views = counts.sum(dim=(1, 2)).argsort(descending=True)[:part]  # (j)
    shapes = torch.from_numpy(statistics.shapes).take_along_dim(often[:, :, None, None], dim=1)  # (K, j, h, w)
    counts = counts[views].take_along_dim(often[None], dim=2)  # (j, K, j)
    if config.data.flip:
        other, none = list(spec.mirrored), torch.zeros_like(counts)
        shapes = torch.cat((shapes, shapes[other].flip(3)), dim=1)[:, :count]  # (K, J, h, w)
        both = torch.cat((counts, none), dim=2), torch.cat((none, counts[:, other]), dim=2)
        counts = torch.cat(both)[:count, :, :count]  # (J, K, J)
    depth = (shapes + RARE).log() - (1 - shapes + RARE).log()
    depth[0] = 0
    counts = torch.where(counts.sum(dim=2, keepdim=True) > 0, counts, counts.sum(dim=0)) + 1e-3  # (J, K, J)
    return depth, counts / counts.sum(dim=2, keepdim=True)


LEAST_TINT = 0.05
"""Standard deviation, of 2, of colours that are the same everywhere in the data: a class may still learn others."""


def class_colors(statistics: ClassStatistics) -> tuple[Tensor, Tensor, Tensor]:
    """The colours of the classes in the data, in -1..1: means (K, 3), factors F (K, 3, 3) and deviations (K, 3).

    `F n`, n normal, is how a class's mean colour varies between pictures; its pixels deviate from it within a picture.
    """
    mean, covariance = torch.from_numpy(2 * statistics.color - 1), torch.from_numpy(4 * statistics.tints)
    values, vectors = torch.linalg.eigh(covariance)
    factor = (vectors * values.clamp_min(LEAST_TINT**2).sqrt()[:, None]) @ vectors.mT  # (K, 3, 3)
    return mean.float(), factor.float(), torch.from_numpy(2 * statistics.grain).clamp_min(LEAST_TINT).float()


CODES = 1000
"""Whose mean is taken for that of all codes."""


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
    mean_code, found = first.map(z.to(first.slot_of_code.device)).mean(dim=0), statistics()  # (S)
    shapes, colors = class_shapes(config, spec, found, count), class_colors(found)
    for generator in modern:
        assert generator.local.shapes is not None
        generator.local.shapes.set(*shapes, mean_code)
        generator.texture.set_colors(*colors, mean_code)
