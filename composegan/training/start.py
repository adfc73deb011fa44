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
from composegan.training.start_shapes import class_shapes

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
