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

from benchmarks.class_scaling.cells import CLASSES, WIDTHS
from benchmarks.class_scaling.cost_report import QUANTITIES, SCALES
from benchmarks.class_scaling.measures import HIGHER
from benchmarks.class_scaling.report import Runs, flat, measures, name_of
from benchmarks.class_scaling.run import SHOWN
from composegan.io.atomic import atomic_file
from composegan.viz.pictures import table

matplotlib.use("Agg")
PANELS = (
    "sliced_wasserstein", "FD-EffNetLite0", "FSD@16", "mask_consistency@16", "rare_mask_consistency@30",
    "leakage_texture@16",
)  # fmt: skip
COLORS = {"loop": "#b03a3a", "bank": "#4a7fb5", "merged": "#a0a0a0", "grouped": "#d9822b",
          "presence": "#8a5fb0", "routed": "#3a9d5d"}  # fmt: skip
LABELS = {
    "loop": "loop over classes", "bank": "per_class bank", "merged": "merged labels", "grouped": "grouped",
    "presence": "grouped + presence routing", "routed": "grouped + presence and texture routing",
}  # fmt: skip
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
    with atomic_file(path) as file:
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
    with atomic_file(path) as file:
        table(rows, names=names, least=64).save(file, format="PNG")


def cost(rows: list[dict[str, Any]], path: Path) -> None:
    """Parameters, saved activations, step time and memory against the number of classes, a row of panels for each kind
    of networks. rows: of `cost_report.value`."""
    shown = [widths for widths in WIDTHS if any(row["widths"] == widths for row in rows)]
    keys = ("parameters", "saved", "step", "memory")
    figure, axes = pyplot.subplots(
        len(shown), len(keys), figsize=(13, 3.1 * len(shown) + 0.4), layout="constrained", squeeze=False
    )
    for widths, line in zip(shown, axes, strict=True):
        for key, axis in zip(keys, line, strict=True):
            for arm, color in COLORS.items():
                of_arm = [row for row in rows if (row["widths"], row["arm"]) == (widths, arm) and row[key] is not None]
                places = [row["classes"] for row in of_arm]
                values = [row[key] / SCALES.get(key, 1) for row in of_arm]
                axis.plot(places, values, "o-", color=color, markersize=3, linewidth=1.3, label=LABELS[arm])
            axis.set_title(f"{widths}: {QUANTITIES[key]}", fontsize=9)
            axis.set_ylim(bottom=0)
            axis.set_xticks(CLASSES, [str(k) if k != 13 else "" for k in CLASSES], fontsize=7)
            axis.tick_params(axis="y", labelsize=8)
            axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].legend(fontsize=7, frameon=False)
    with atomic_file(path) as file:
        figure.savefig(file, dpi=110, format="png")
    pyplot.close(figure)
