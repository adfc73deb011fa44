"""The class sets of generated pictures, from settings and data."""

from __future__ import annotations

import numpy as np
import torch

from composegan.config.schema import Config
from composegan.data.statistics import ClassStatistics
from composegan.networks.class_sets import ClassSets
from composegan.plugin.domain import DomainSpec


def class_sets_of(config: Config, spec: DomainSpec, statistics: ClassStatistics) -> ClassSets | None:
    """The class sets of the data, with mirrored ones for `data.flip`; None: every picture has all classes."""
    if config.training.class_sets == "all":
        return None
    areas = (statistics.area / np.maximum(statistics.presence, 1e-12)).clip(0, 1)
    sets = ClassSets(*map(torch.from_numpy, (statistics.sets, statistics.counts, areas)))
    return sets.mirrored(spec.mirrored) if config.data.flip else sets
