"""The plots of the study. They need matplotlib."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.class_scaling.cells import CLASSES, WIDTHS
from benchmarks.class_scaling.cost_report import QUANTITIES, SCALES
from benchmarks.class_scaling.measures import HIGHER
from benchmarks.class_scaling.report import Runs, arms_of, flat, flat_measures, known, measures
from benchmarks.class_scaling.run import SHOWN
from composegan.io.atomic import atomic_file
from composegan.viz.pictures import table

PANELS = (
    "sliced_wasserstein", "FD-EffNetLite0", "FSD@16", "mask_consistency@16", "rare_mask_consistency@30",
    "leakage_texture@16",
)  # fmt: skip
LINES = {
    "loop": ("#b03a3a", "loop over classes"), "bank": ("#4a7fb5", "per_class bank"),
    "merged": ("#a0a0a0", "merged labels"), "grouped": ("#d9822b", "grouped"),
    "presence": ("#8a5fb0", "grouped + presence routing"),
    "routed": ("#3a9d5d", "grouped + presence and texture routing"),
}  # fmt: skip
COLORS, SHARED, REAL = {"per_class": "#4a7fb5", "merged16": "#a0a0a0"}, "#d9822b", "#3a9d5d"


def available() -> bool:
    """Whether matplotlib is installed; prints how to install it if not."""
    found = find_spec("matplotlib") is not None
    if not found:
        print("no plots: matplotlib is missing (pip install matplotlib)")
    return found


@contextmanager
def panels(path: Path, *shape: int, size: tuple[float, float]) -> Iterator[Any]:
    """Axes (rows, columns) to plot into, saved to `path` at the end of the block."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(*shape, figsize=size, layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.tick_params(axis="y", labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    yield axes
    with atomic_file(path) as file:
        figure.savefig(file, dpi=110, format="png")
    pyplot.close(figure)


def quality(runs: Runs, real: Mapping[str, Any], path: Path) -> None:
    """Six measures that all arms have: a dot for each run, a bar at the mean, a line at the value of real pictures."""
    arms = {arm: [flat(found) for found in results] for arm, results in arms_of(runs).items()}
    of_real = flat_measures(real)
    with panels(path, 2, 3, size=(11, 6.2)) as axes:
        for axis, key in zip(axes.flat, PANELS, strict=True):
            for place, (arm, rows) in enumerate(arms.items()):
                color = COLORS.get(arm, SHARED)
                if values := known(row.get(key) for row in rows):
                    axis.bar(place, statistics.mean(values), 0.7, color=color, alpha=0.55)
                    axis.plot([place] * len(values), values, "o", color=color, markersize=4)
            if of_real.get(key) is not None:
                axis.axhline(of_real[key], color=REAL, linestyle=":", linewidth=1.2)
            better = "higher" if measures()[key] == HIGHER else "lower"
            axis.set_title(f"{key.replace('@', ', classes ').replace('_', ' ')} ({better} is better)", fontsize=9)
            axis.set_xticks(range(len(arms)), arms, rotation=30, ha="right", fontsize=8)


def pictures(strips: Mapping[str, Path], path: Path) -> None:
    """A row of each arm's pictures above a row of their masks. strips: written by `run.evaluate`."""
    rows, names = [], []
    for arm, strip in reversed(list(strips.items())):
        with Image.open(strip) as sheet:
            halves = np.split(np.asarray(sheet.convert("RGB")), 2, axis=0)
        rows += [np.stack(np.split(half, SHOWN, axis=1)) for half in halves]
        names += [arm, ""]
    with atomic_file(path) as file:
        table(rows, names=names, least=64).save(file, format="PNG")


def cost(rows: list[dict[str, Any]], path: Path) -> None:
    """Parameters, saved activations, step time and memory against the number of classes, with a row of panels for each
    kind of networks. rows: of `cost_report.write`."""
    shown = [widths for widths in WIDTHS if any(row["widths"] == widths for row in rows)]
    keys = ("parameters", "saved", "step", "memory")
    with panels(path, len(shown), len(keys), size=(13, 3.1 * len(shown) + 0.4)) as axes:
        for widths, line in zip(shown, axes, strict=True):
            for key, axis in zip(keys, line, strict=True):
                for arm, (color, label) in LINES.items():
                    cells = [r for r in rows if (r["widths"], r["arm"]) == (widths, arm) and r[key] is not None]
                    values = [cell[key] / SCALES.get(key, 1) for cell in cells]
                    places = [cell["classes"] for cell in cells]
                    axis.plot(places, values, "o-", color=color, markersize=3, linewidth=1.3, label=label)
                axis.set_title(f"{widths}: {QUANTITIES[key]}", fontsize=9)
                axis.set_ylim(bottom=0)
                axis.set_xticks(CLASSES, [str(k) if k != 13 else "" for k in CLASSES], fontsize=7)
        axes[0, 0].legend(fontsize=7, frameon=False)
