"""What runs are measured against: held-out streets in a vocabulary, and a segmenter trained on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.class_scaling.arms import FINE, MERGED
from composegan.config.schema import DataConfig
from composegan.data.cache import cache_folder
from composegan.data.open import open_source
from composegan.evaluation.real import RealSet, real_rows, real_set
from composegan.evaluation.segmenter import Trained, trained_segmenter
from composegan.metrics.backbone import EFFICIENTNET
from composegan.metrics.layout import LAYOUT
from composegan.metrics.rows import Describer, Setting
from composegan.plugin import registry
from composegan.plugins.cityscapes.merged import Merged, merging_table


@dataclass(frozen=True)
class Judge:
    """A vocabulary to measure in. names: of its K classes; known: rows of the real set by name.

    table_of: by a model's vocabulary, the judge's class of each of the model's classes, uint8.
    """

    names: tuple[str, ...]
    table_of: dict[str, np.ndarray]
    real: RealSet
    known: dict[str, Tensor]
    segmenter: Trained


def held_out(data: DataConfig) -> DataConfig:
    """Streets that no run has seen: the validation split, or the drawings of the next demo_seed."""
    return replace(data, split="validation") if data.root else replace(data, demo_seed=data.demo_seed + 1)


def make_judges(data: DataConfig, device: torch.device) -> tuple[dict[str, Judge], Describer]:
    """The judges for 30 classes and for 16, and the network of the Frechet distance.

    data: the runs' training data. Everything is cached, so that only the first call does the work.
    """
    data = held_out(data)
    fine, merged = registry.load(FINE), registry.load(MERGED)
    source = open_source(fine, data)
    table = merging_table(fine.spec, merged.spec)
    same = [np.arange(len(plugin.spec.names), dtype=np.uint8) for plugin in (fine, merged)]
    vocabularies = {
        FINE: (fine, source, {FINE: same[0]}),
        MERGED: (merged, Merged(source, fine.spec, merged.spec), {FINE: table, MERGED: same[1]}),
    }
    network, judges = EFFICIENTNET.open(Setting(len(fine.spec.names), data.height, data.width, device)), {}
    for name, (plugin, images, tables) in vocabularies.items():
        cache: Path = cache_folder(data) / "statistics"
        classes = len(plugin.spec.names)
        real = real_set(images, data, classes, f"{name} held out", 50_000, cache)
        kinds = {LAYOUT.name: LAYOUT.open(Setting(classes, data.height, data.width, device))}
        known = real_rows(real, kinds | ({EFFICIENTNET.name: network} if name == FINE else {}))
        judges[name] = Judge(plugin.spec.names, tables, real, known, trained_segmenter(real, device))
    return judges, network


def relabel(labels: Tensor, table: np.ndarray) -> Tensor:
    """Labels (N, H, W) uint8 of a model's classes -> of the judge's classes, uint8."""
    return torch.from_numpy(table)[labels.long()]
