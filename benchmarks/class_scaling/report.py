"""Tables and files of the quality study, computed from the results of its runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.class_scaling.arms import FINE, GROUPED, MERGED
from benchmarks.class_scaling.measures import HIGHER, LOWER, OF_MASKS, OF_PICTURES
from benchmarks.measure import machine
from benchmarks.script import markdown_table, write_csv, write_json

Runs = Mapping[tuple[str, int], dict[str, Any]]
"""Results of `run.evaluate`, by arm and seed."""

WITHIN = 0.1
"""How far grouped arms may be behind merged labels. They may not be behind a generator for each class."""


def write(study: dict[str, Any], runs: Runs, results: Path) -> list[Path]:
    """Write class_quality.json, .csv and _classes.csv to `results` and print the tables. Returns the files."""
    tables: dict[str, Any] = {"arms": summary(runs), "aims": aims(runs), "classes": classes(runs)}
    of_runs = {f"{arm}-{seed}": {k: v for k, v in found.items() if k != "classes"}
               for (arm, seed), found in runs.items()}  # fmt: skip
    files = [results / f"class_quality{end}" for end in (".json", ".csv", "_classes.csv")]
    write_json(files[0], {**study, "machine": machine(), **tables, "runs": of_runs})
    write_csv(files[1], [{"arm": arm, "seed": seed, **flat(found)} for (arm, seed), found in runs.items()])
    write_csv(files[2], [
        {"arm": arm, "vocabulary": vocabulary, "class": name, **row}
        for arm, by_vocabulary in tables["classes"].items()
        for vocabulary, rows in by_vocabulary.items() for name, row in rows.items()
    ])  # fmt: skip
    print("\n".join(markdown(study, tables)))
    return files


def arms_of(runs: Runs) -> dict[str, list[dict[str, Any]]]:
    """The results of each arm's runs."""
    found: dict[str, list[dict[str, Any]]] = {}
    for (arm, _), figures in runs.items():
        found.setdefault(arm, []).append(figures)
    return found


def flat(found: Mapping[str, Any]) -> dict[str, float | None]:
    """All results of a run in one row; those of masks as NAME@CLASSES."""
    row = {"images_seen": found["images_seen"], "groups": len(found["groups"]), "generator": found["generator"]}
    return {**row, **flat_measures(found)}


def flat_measures(found: Mapping[str, Any]) -> dict[str, float | None]:
    """The measures of a run or of real pictures in one row."""
    row = dict(found["pictures"])
    for vocabulary, figures in found["masks"].items():
        row |= {name_of(key, vocabulary): value for key, value in figures.items()}
    return row


def name_of(measure: str, vocabulary: str) -> str:
    return f"{measure}@{30 if vocabulary == FINE else 16}"


def measures(vocabularies: tuple[str, ...] = (MERGED, FINE)) -> dict[str, str]:
    """Every measure by column name, and whether lower or higher is better."""
    return OF_PICTURES | {name_of(key, v): better for v in vocabularies for key, better in OF_MASKS.items()}


def summary(runs: Runs) -> dict[str, dict[str, list[float]]]:
    """By arm and measure: mean, standard deviation over seeds (0 for one seed), and number of seeds."""
    found: dict[str, dict[str, list[float]]] = {}
    for arm, results in arms_of(runs).items():
        rows = [flat(figures) for figures in results]
        for key in rows[0]:
            if values := known(row.get(key) for row in rows):
                deviation = statistics.stdev(values) if len(values) > 1 else 0.0
                found.setdefault(arm, {})[key] = [statistics.mean(values), deviation, len(values)]
    return found


def aims(runs: Runs) -> list[dict[str, Any]]:
    """Compare each grouped arm with per_class (aim: at least as good) and merged16 (at most a tenth behind).

    ratio: of the means, inverted where lower is better, so that above 1 is better. error: its standard error over
    seeds. verdict: yes; no; or open if the aim is missed by less than two standard errors.
    """
    rows = []
    for against, behind in (("per_class", 0.0), ("merged16", WITHIN)):
        for arm in GROUPED:
            seeds = [seed for name, seed in runs if name == arm and (against, seed) in runs]
            for measure, better in measures((MERGED,) if against == "merged16" else (MERGED, FINE)).items():
                pairs = [(flat(runs[arm, seed]).get(measure), flat(runs[against, seed]).get(measure)) for seed in seeds]
                positive = [(mine, other) for mine, other in pairs if mine and other]
                if positive:
                    rows.append(
                        {"arm": arm, "against": against, "measure": measure, **compare(positive, better, behind)}
                    )
    return rows


def compare(pairs: list[tuple[float, float]], better: str, behind: float) -> dict[str, Any]:
    """pairs: (an arm's value, the other's) for each seed. The ratio is the geometric mean over seeds."""
    logs = [math.log(mine / other if better == HIGHER else other / mine) for mine, other in pairs]
    mean = statistics.mean(logs)
    error = statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else math.inf
    missed = math.log(1 - behind) - mean
    verdict = "yes" if missed <= 0 else "open" if missed < 2 * error else "no"
    return {"ratio": math.exp(mean), "error": None if error == math.inf else error, "verdict": verdict}


def classes(runs: Runs) -> dict[str, dict[str, dict[str, dict[str, float | None]]]]:
    """By arm, vocabulary and class: every result of a class, averaged over seeds."""
    found: dict[str, Any] = {}
    for arm, results in arms_of(runs).items():
        for vocabulary, by_class in results[0]["classes"].items():
            for name, first in by_class.items():
                rows = [one["classes"][vocabulary][name] for one in results]
                means = {key: mean_or_none(row[key] for row in rows) for key in first}
                found.setdefault(arm, {}).setdefault(vocabulary, {})[name] = means
    return found


def known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def mean_or_none(values: Iterable[float | None]) -> float | None:
    numbers = known(values)
    return statistics.mean(numbers) if numbers else None


def markdown(study: Mapping[str, Any], tables: Mapping[str, Any]) -> list[str]:
    """The tables of docs/benchmarks.md."""
    return [
        "", f"`{study['command']}`",
        *arm_table(study["real"], tables["arms"], measures((MERGED,)), "measured in 16 classes"),
        *arm_table(study["real"], tables["arms"], measures((FINE,)), "measured in 30 classes"),
        *aim_table(tables["aims"]),
        *class_table(tables["classes"], "iou"),
        *class_table(tables["classes"], "recall"),
        "", *changes_by_class(tables["classes"]), "",
    ]  # fmt: skip


def arm_table(real: Mapping[str, Any], arms: Mapping[str, Any], columns: Mapping[str, str], title: str) -> list[str]:
    """Mean ± standard deviation; the last row compares real pictures with real ones."""
    arrows = {LOWER: "↓", HIGHER: "↑"}
    shown = [key for key in columns if any(key in row for row in arms.values())]
    head = [f"{key.partition('@')[0].replace('_', ' ')} {arrows[columns[key]]}" for key in shown]
    rows = []
    for arm, row in arms.items():
        if any("@" in key and key in row for key in shown):
            seeds, parameters = row["sliced_wasserstein"][2], row["generator"][0] / 1e6
            rows.append([arm, seeds, f"{parameters:.2f}", *(shown_as(row.get(key)) for key in shown)])
    values = flat_measures(real)
    cells = ["" if (value := values.get(key)) is None else f"{value:.3g}" for key in shown]
    return markdown_table([f"arm, {title}", "seeds", "M parameters", *head], [*rows, ["*real ones*", "", "", *cells]])


def shown_as(of_seeds: list[float] | None) -> str:
    """An entry of `summary` as mean ± standard deviation, or the mean alone for one seed."""
    if not of_seeds:
        return ""
    mean, deviation, seeds = of_seeds
    return f"{mean:.3g} ± {deviation:.2g}" if seeds > 1 else f"{mean:.3g}"


def aim_table(rows: list[dict[str, Any]]) -> list[str]:
    """The ratios of `aims`, above 1 better."""
    lines = []
    for against, aim in (("per_class", 1), ("merged16", 1 - WITHIN)):
        these = [row for row in rows if row["against"] == against]
        arms = list(dict.fromkeys(row["arm"] for row in these))
        by_measure: dict[str, dict[str, str]] = {}
        for row in these:
            by_measure.setdefault(row["measure"], {})[row["arm"]] = f"{row['ratio']:.2f} {row['verdict']}"
        if these:
            lines += markdown_table(
                [f"times as good as {against} (aim: at least {aim})", *arms],
                [[name.replace("_", " "), *(row.get(arm, "") for arm in arms)] for name, row in by_measure.items()],
            )
    return lines


def class_table(found: Mapping[str, Any], key: str) -> list[str]:
    """One result of every class and arm in 30 classes, the most frequent class first."""
    arms = {arm: rows[FINE] for arm, rows in found.items() if FINE in rows}
    if not arms:
        return []
    real = {name: row["presence_real"] for name, row in next(iter(arms.values())).items()}
    return markdown_table(
        [key, "in real", *arms],
        [[name, f"{real[name]:.2f}",
          *("" if rows[name][key] is None else f"{rows[name][key]:.2f}" for rows in arms.values())]
         for name in sorted(real, key=lambda name: -real[name])],
    )  # fmt: skip


def changes_by_class(found: Mapping[str, Any]) -> list[str]:
    """For each grouped arm, the classes whose mask consistency loses and gains most, relative to per_class."""
    own = found.get("per_class", {}).get(FINE, {})
    lines = []
    for arm in GROUPED:
        rows = found.get(arm, {}).get(FINE)
        if own and rows:
            change = sorted((rows[name]["iou"] - own[name]["iou"], name) for name in own)
            lose, win = ([f"{name} {by:+.2f}" for by, name in some] for some in (change[:5], change[:-6:-1]))
            lines.append(f"{arm}: largest losses {', '.join(lose)}; largest gains {', '.join(win)}")
    return lines
