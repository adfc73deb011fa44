"""The plots of the study."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot
from PIL import Image

from benchmarks.class_scaling.measures import HIGHER
from benchmarks.class_scaling.report import Runs, flat, measures, name_of
from benchmarks.class_scaling.run import SHOWN
from composegan.pictures import table
from composegan.saving import whole_file

matplotlib.use("Agg")
PANELS = (
    "sliced_wasserstein", "FD-EffNetLite0", "FSD@16", "mask_consistency@16", "rare_mask_consistency@30",
    "leakage_texture@16",
)  # fmt: skip
PER_CLASS, MERGED, SHARED, REAL = "#4a7fb5", "#a0a0a0", "#d9822b", "#3a9d5d"


def quality(runs: Runs, real: Mapping[str, Any], path: Path) -> None:
    """Six measures that all arms have: a dot a run, a bar at the mean, a line where real pictures are."""
    arms = list(dict.fromkeys(arm for arm, _ in runs))
    known = dict(real["pictures"]) | {name_of(k, v): x for v, of in real["masks"].items() for k, x in of.items()}
    figure, axes = pyplot.subplots(2, 3, figsize=(11, 6.2), layout="constrained")
    for axis, key in zip(axes.flat, PANELS, strict=True):
        for place, arm in enumerate(arms):
            values = [flat(found).get(key) for (name, _), found in runs.items() if name == arm]
            values = [value for value in values if value is not None]
            color = {"per_class": PER_CLASS, "merged16": MERGED}.get(arm, SHARED)
            if values:
                axis.bar(place, statistics.mean(values), 0.7, color=color, alpha=0.55)
                axis.plot([place] * len(values), values, "o", color=color, markersize=4)
        if known.get(key) is not None:
            axis.axhline(known[key], color=REAL, linestyle=":", linewidth=1.2)
        better = "higher" if measures()[key] == HIGHER else "lower"
        axis.set_title(f"{key.replace('@', ', classes ').replace('_', ' ')} ({better} is better)", fontsize=9)
        axis.set_xticks(range(len(arms)), arms, rotation=30, ha="right", fontsize=8)
        axis.tick_params(axis="y", labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    with whole_file(path) as file:
        figure.savefig(file, dpi=110, format="png")
    pyplot.close(figure)


def pictures(strips: Mapping[str, Path], path: Path) -> None:
    """A row of each arm's pictures above a row of their masks. strips: of `run.evaluate`."""
    rows, names = [], []
    for arm, strip in reversed(list(strips.items())):
        with Image.open(strip) as sheet:
            sheet = np.asarray(sheet.convert("RGB"))
        images, masks = np.split(sheet, 2, axis=0)
        rows += [np.stack(np.split(half, SHOWN, axis=1)) for half in (images, masks)]
        names += [arm, ""]
    with whole_file(path) as file:
        table(rows, names=names, least=64).save(file, format="PNG")
