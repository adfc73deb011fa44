"""The class sets of generated pictures, from settings and data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from composegan.config.extensions import extension
from composegan.config.schema import Config
from composegan.data.findings import in_words
from composegan.data.items import Items
from composegan.data.statistics import ClassStatistics
from composegan.errors import UserError
from composegan.networks.class_sets import ClassSets
from composegan.plugin.domain import DomainSpec, Source

EXAMINED = 200
"""Pictures, spread evenly, in which classes are looked for."""
MISSING = 0.02
"""A class that is absent from this share of them may be absent."""
PRESENCE = 1.0
"""The weight of the presence loss where class sets are switched on."""


def class_sets_of(config: Config, spec: DomainSpec, statistics: ClassStatistics) -> ClassSets | None:
    """The class sets of the data, with mirrored ones for `data.flip`; None: every picture has all classes."""
    if config.training.class_sets != "data":
        return None
    areas = (statistics.area / np.maximum(statistics.presence, 1e-12)).clip(0, 1)
    sets = ClassSets(*map(torch.from_numpy, (statistics.sets, statistics.counts, areas)))
    return sets.mirrored(spec.mirrored) if config.data.flip else sets


def settle_class_sets(config: Config, spec: DomainSpec, source: Source) -> tuple[Config, list[str]]:
    """The configuration with `training.class_sets=auto` decided, and a line that says so if it became "data".

    "data", with a presence loss of weight PRESENCE, where a class is optional or absent from some
    pictures, and the networks have codes of classes. Otherwise "all", with which nothing changes. A function of the
    settings and the data alone, so that every rank decides alike.
    """
    if config.training.class_sets != "auto":
        return config, []
    training = config.training
    off = replace(config, training=replace(training, class_sets="all"))
    on = replace(config, training=replace(training, class_sets="data", presence=PRESENCE))
    if config.adapt.source or len(spec.classes) == 1 or not _possible(on, spec):
        return off, []
    optional = [item.name for item in spec.classes if item.optional]
    why = f"optional classes ({in_words(optional)})" if optional else absent_in_words(config, spec, source)
    if not why:
        return off, []
    chosen = f"training.class_sets=data training.presence={PRESENCE:g}"
    return on, [f"{chosen}: chosen for {why}; with training.class_sets=all every generated picture has all classes"]


def _possible(config: Config, spec: DomainSpec) -> bool:
    try:
        with extension(config.model, "family").use() as family:
            family.check_config(config, spec)
    except UserError:
        return False
    return True


def absent_in_words(config: Config, spec: DomainSpec, source: Source) -> str:
    """Which classes are absent from how many of EXAMINED pictures, in words; "" if none is from MISSING of them."""
    numbers = np.unique(np.linspace(0, len(source) - 1, min(EXAMINED, len(source))).round().astype(int)).tolist()
    items = Items(source, len(spec.classes), config.data.on_error, len(numbers))
    there = [
        np.bincount(sample.labels.ravel(), minlength=len(spec.classes)) > 0
        for sample in map(items.read, numbers)
        if sample is not None
    ]
    share = 1 - np.mean(there, axis=0)  # (K)
    absent = [f"{spec.names[label]} from {share[label]:.0%}" for label in np.flatnonzero(share >= MISSING)]
    return f"classes that are absent from pictures ({in_words(absent)} of {len(there)})" if absent else ""
