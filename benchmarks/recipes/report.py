"""The results of all runs: means and standard deviations over seeds, a table, curves, and sheets of samples."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.class_scaling.plots import available, panels
from benchmarks.measure import machine
from benchmarks.recipes.measure import SHEET
from benchmarks.script import markdown_table, write_json
from composegan.io.atomic import atomic_file

Runs = Mapping[tuple[str, int], Mapping[str, Any]]
"""Results by arm and seed."""
FACTS = ("images_seen", "minutes", "generator")
COLORS = ("#a0a0a0", "#4a7fb5", "#d9822b", "#3a9d5d", "#8a5fb0", "#b03a3a")


def write(study: Mapping[str, Any], runs: Runs, roots: Mapping[tuple[str, int], Path], folder: Path) -> list[Path]:
    """Write recipes.json, recipes.md, curves.png (with matplotlib) and a sheet for each arm. Returns their paths."""
    summary = summarize(runs)
    content = {
        **study,
        "machine": machine(),
        "summary": summary,
        "runs": {f"{arm}-{seed}": found for (arm, seed), found in runs.items()},
    }
    paths = [folder / "recipes.json", folder / "recipes.md"]
    write_json(paths[0], content)
    with atomic_file(paths[1]) as file:
        file.write_text("\n".join([f"`{study['command']}`", *table(runs, summary)]) + "\n", encoding="utf-8")
    if available():
        paths.append(folder / "curves.png")
        curves(runs, paths[-1])
    for (arm, seed), root in roots.items():
        if (arm, seed) in runs and (sheet := folder / f"samples_{arm}.png") not in paths:  # of the arm's first seed
            with atomic_file(sheet) as file:
                shutil.copyfile(root / SHEET, file)
            paths.append(sheet)
    return paths


def summarize(runs: Runs) -> dict[str, dict[str, list[float]]]:
    """By arm and figure: mean, standard deviation over seeds (0 of a single one), and number of seeds."""
    by_arm: dict[str, dict[str, list[float]]] = {}
    for (arm, _), found in runs.items():
        values = {**{key: found[key] for key in FACTS}, **found["figures"]}
        for key, value in values.items():
            by_arm.setdefault(arm, {}).setdefault(key, []).append(value)
    return {
        arm: {key: [statistics.mean(v), statistics.stdev(v) if len(v) > 1 else 0.0, len(v)] for key, v in of.items()}
        for arm, of in by_arm.items()
    }


def table(runs: Runs, summary: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """The lines of a Markdown table: a column for each arm, a row for each figure, real halves beside them."""
    arms = list(summary)
    better = {key: value for found in runs.values() for key, value in found["better"].items()}
    real = {key: value for found in runs.values() for key, value in found["real"].items()}
    seeds = ["seeds", "", *(str(max(n for _, _, n in summary[arm].values())) for arm in arms), ""]
    rows = [seeds]
    for key in (*FACTS, *better):
        name = {"images_seen": "images seen", "generator": "parameters of the generator"}.get(key, key)
        cells = [shown(summary[arm].get(key), whole=key in ("images_seen", "generator")) for arm in arms]
        rows.append([name, better.get(key, ""), *cells, f"{real[key]:.4g}" if key in real else ""])
    return markdown_table(["figure", "better", *arms, "real halves"], rows)


def shown(values: Sequence[float] | None, whole: bool = False) -> str:
    """A mean with its standard deviation, as text; "" for none."""
    if values is None:
        return ""
    mean, deviation, count = values
    if whole:
        return f"{mean:,.0f}" + (f" ± {deviation:,.0f}" if deviation else "")
    return f"{mean:.4g}" + (f" ± {deviation:.2g}" if count > 1 else "")


def curves(runs: Runs, path: Path) -> None:
    """The scores measured during training: a row of panels for each, against images and against minutes."""
    names = list(dict.fromkeys(name for found in runs.values() for name in found["scores"]))
    arms = list(dict.fromkeys(arm for arm, _ in runs))
    if not names:
        return
    with panels(path, len(names), 2, size=(11, 3.4 * len(names))) as axes:
        for name, line in zip(names, axes, strict=True):
            for column, (axis, unit) in enumerate(zip(line, ("images seen", "minutes"), strict=True)):
                if all(row[2] > 0 for found in runs.values() for row in found["scores"].get(name, [])):
                    axis.set_yscale("log")
                for (arm, seed), found in runs.items():
                    rows = found["scores"].get(name, [])
                    label = arm if seed == min(s for a, s in runs if a == arm) else None
                    color = COLORS[arms.index(arm) % len(COLORS)]
                    axis.plot([row[column] for row in rows], [row[2] for row in rows], color=color, label=label)
                axis.set_xlabel(unit, fontsize=8)
                axis.set_title(f"{name} of the averaged generator", fontsize=9)
        axes[0, 0].legend(fontsize=8, frameon=False)
