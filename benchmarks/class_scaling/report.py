"""Tables and files of the quality study, from the figures of its runs."""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.class_scaling.arms import FINE, GROUPED, MERGED
from benchmarks.class_scaling.measures import HIGHER, LOWER, OF_MASKS, OF_PICTURES
from benchmarks.measure import machine
from composegan.io.atomic import atomic_file

Runs = Mapping[tuple[str, int], dict[str, Any]]
"""What `run.evaluate` found, by arm and seed."""

WITHIN = 0.1
"""How far grouped arms may be behind merged labels; behind a generator for each class not at all."""


def write(study: dict[str, Any], runs: Runs, results: Path, plot: Path, roots: Mapping) -> list[Path]:
    """Write class_quality.json, .csv and _classes.csv to `results`, and the plots. Prints the tables of the docs.

    Returns what was written. Without matplotlib there is no plot, and a line says so.
    """
    tables = {"arms": summary(runs), "aims": aims(runs), "classes": classes(runs)}
    content = {
        **study, "machine": machine(), **tables,
        "runs": {f"{arm}-{seed}": {k: v for k, v in found.items() if k != "classes"}
                 for (arm, seed), found in runs.items()},
    }  # fmt: skip
    files = [results / f"class_quality{end}" for end in (".json", ".csv", "_classes.csv")]
    with atomic_file(files[0]) as file:
        file.write_text(json.dumps(content, indent=2) + "\n")
    write_csv(files[1], [{"arm": arm, "seed": seed, **flat(found)} for (arm, seed), found in runs.items()])
    write_csv(files[2], [
        {"arm": arm, "vocabulary": vocabulary, "class": name, **row}
        for arm, by_vocabulary in tables["classes"].items()
        for vocabulary, rows in by_vocabulary.items() for name, row in rows.items()
    ])  # fmt: skip
    print("\n".join(markdown(study, runs, tables)))
    try:
        from benchmarks.class_scaling import plots
    except ImportError:
        print("there is no plot: matplotlib is missing (pip install matplotlib)")
        return files
    strip = plot.with_name(f"{plot.stem}_pictures.png")
    plots.quality(runs, study["real"], plot)
    plots.pictures({arm: roots[arm, seed] / "pictures.png" for arm, seed in reversed(list(runs))}, strip)
    return [*files, plot, strip]


def flat(found: Mapping[str, Any]) -> dict[str, float | None]:
    """All figures of a run in one row: those of pictures, and those of masks as NAME@CLASSES."""
    row = {"images_seen": found["images_seen"], "groups": len(found["groups"]), "generator": found["generator"]}
    row |= found["pictures"]
    for vocabulary, figures in found["masks"].items():
        row |= {name_of(key, vocabulary): value for key, value in figures.items()}
    return row


def name_of(measure: str, vocabulary: str) -> str:
    return f"{measure}@{30 if vocabulary == FINE else 16}"


def measures(vocabularies: tuple[str, ...] = (MERGED, FINE)) -> dict[str, str]:
    """Every measure as a column name, and which way is better."""
    return OF_PICTURES | {name_of(key, v): better for v in vocabularies for key, better in OF_MASKS.items()}


def summary(runs: Runs) -> dict[str, dict[str, list[float]]]:
    """By arm and measure: mean, standard deviation over seeds (0 of one), and how many seeds."""
    found: dict[str, dict[str, list[float]]] = {}
    for arm in dict.fromkeys(arm for arm, _ in runs):
        rows = [flat(figures) for (name, _), figures in runs.items() if name == arm]
        for key in rows[0]:
            if values := [row[key] for row in rows if row.get(key) is not None]:
                deviation = statistics.stdev(values) if len(values) > 1 else 0.0
                found.setdefault(arm, {})[key] = [statistics.mean(values), deviation, len(values)]
    return found


def aims(runs: Runs) -> list[dict[str, Any]]:
    """Each grouped arm against per_class (at least as good) and merged16 (at most a tenth behind), measure by measure.

    ratio: of the means, turned so that above 1 is better. error: of that ratio, from the differences seed by seed.
    verdict: yes; no; or open, where the aim is missed by less than two standard errors.
    """
    rows = []
    for against, behind in (("per_class", 0.0), ("merged16", WITHIN)):
        for arm in GROUPED:
            seeds = [seed for name, seed in runs if name == arm and (against, seed) in runs]
            for measure, better in measures((MERGED,) if against == "merged16" else (MERGED, FINE)).items():
                pairs = [(flat(runs[arm, seed]).get(measure), flat(runs[against, seed]).get(measure)) for seed in seeds]
                pairs = [pair for pair in pairs if None not in pair and 0 not in pair]
                if pairs:
                    rows.append({"arm": arm, "against": against, "measure": measure, **compare(pairs, better, behind)})
    return rows


def compare(pairs: list[tuple[float, float]], better: str, behind: float) -> dict[str, Any]:
    """pairs: (an arm's value, the other's), a seed each. The ratio is the geometric mean of those of the seeds."""
    logs = [math.log(mine / other if better == HIGHER else other / mine) for mine, other in pairs]
    mean = statistics.mean(logs)
    error = statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else math.inf
    missed = math.log(1 - behind) - mean
    verdict = "yes" if missed <= 0 else "open" if missed < 2 * error else "no"
    return {"ratio": math.exp(mean), "error": None if error == math.inf else error, "verdict": verdict}


def classes(runs: Runs) -> dict[str, dict[str, dict[str, dict[str, float | None]]]]:
    """By arm, vocabulary and class: every figure of a class as the mean over seeds."""
    found: dict[str, Any] = {}
    for arm in dict.fromkeys(arm for arm, _ in runs):
        of_arm = [figures["classes"] for (name, _), figures in runs.items() if name == arm]
        for vocabulary in of_arm[0]:
            for name, first in of_arm[0][vocabulary].items():
                rows = [one[vocabulary][name] for one in of_arm]
                means = {key: mean_or_none([row[key] for row in rows]) for key in first}
                found.setdefault(arm, {}).setdefault(vocabulary, {})[name] = means
    return found


def mean_or_none(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.mean(known) if known else None


def markdown(study: Mapping[str, Any], runs: Runs, tables: Mapping[str, Any]) -> list[str]:
    """The tables of docs/benchmarks.md."""
    return [
        "", f"`{study['command']}`", "",
        *arm_table(study["real"], tables["arms"], measures((MERGED,)), "read in 16 classes"), "",
        *arm_table(study["real"], tables["arms"], measures((FINE,)), "read in 30 classes"), "",
        *aim_table(tables["aims"]), "",
        *class_table(tables["classes"], "iou"), "",
        *class_table(tables["classes"], "recall"), "",
        *payers(tables["classes"]), "",
    ]  # fmt: skip


def arm_table(real: Mapping[str, Any], arms: Mapping[str, Any], columns: Mapping[str, str], title: str) -> list[str]:
    """Mean ± standard deviation; the last row is real pictures against real ones."""
    arrows = {LOWER: "↓", HIGHER: "↑"}
    shown = [key for key in columns if any(key in row for row in arms.values())]
    head = [f"{key.partition('@')[0].replace('_', ' ')} {arrows[columns[key]]}" for key in shown]
    lines = [f"| arm, {title} | seeds | M parameters | " + " | ".join(head) + " |", "| --- " * (3 + len(shown)) + "|"]
    for arm, row in arms.items():
        if not any("@" in key and key in row for key in shown):
            continue
        seeds, parameters = row["sliced_wasserstein"][2], row["generator"][0] / 1e6
        cells = [shown_as(row.get(key)) for key in shown]
        lines.append(f"| {arm} | {seeds} | {parameters:.2f} | " + " | ".join(cells) + " |")
    known = dict(real["pictures"]) | {
        name_of(k, v): x for v, figures in real["masks"].items() for k, x in figures.items()
    }
    cells = [f"{known[key]:.3g}" if known.get(key) is not None else "" for key in shown]
    return [*lines, "| *real ones* | | | " + " | ".join(cells) + " |"]


def shown_as(of_seeds: list[float] | None) -> str:
    """Mean ± standard deviation, of `summary`; of one seed there is none."""
    if not of_seeds:
        return ""
    mean, deviation, seeds = of_seeds
    return f"{mean:.3g} ± {deviation:.2g}" if seeds > 1 else f"{mean:.3g}"


def aim_table(rows: list[dict[str, Any]]) -> list[str]:
    """How the grouped arms do against the two others: ratios, above 1 better."""
    lines = []
    for against in dict.fromkeys(row["against"] for row in rows):
        these = [row for row in rows if row["against"] == against]
        arms = list(dict.fromkeys(row["arm"] for row in these))
        aim = "at least 1" if against == "per_class" else f"at least {1 - WITHIN}"
        lines += [
            "",
            f"| times as good as {against} (aim: {aim}) | " + " | ".join(arms) + " |",
            "| --- " * (1 + len(arms)) + "|",
        ]
        for measure in dict.fromkeys(row["measure"] for row in these):
            cells = {row["arm"]: f"{row['ratio']:.2f} {row['verdict']}" for row in these if row["measure"] == measure}
            lines.append(f"| {measure.replace('_', ' ')} | " + " | ".join(cells.get(arm, "") for arm in arms) + " |")
    return lines


def class_table(found: Mapping[str, Any], key: str, vocabulary: str = FINE) -> list[str]:
    """One figure of every class and arm, the most common class first."""
    arms = {arm: rows[vocabulary] for arm, rows in found.items() if vocabulary in rows}
    if not arms:
        return []
    first = next(iter(arms.values()))
    lines = [f"| {key} | in real | " + " | ".join(arms) + " |", "| --- " * (2 + len(arms)) + "|"]
    for name in sorted(first, key=lambda name: -first[name]["presence_real"]):
        cells = ["" if rows[name][key] is None else f"{rows[name][key]:.2f}" for rows in arms.values()]
        lines.append(f"| {name} | {first[name]['presence_real']:.2f} | " + " | ".join(cells) + " |")
    return lines


def payers(found: Mapping[str, Any]) -> list[str]:
    """For each grouped arm, the classes that lose and win most of their mask consistency against per_class."""
    own = found.get("per_class", {}).get(FINE, {})
    lines = []
    for arm in GROUPED:
        rows = found.get(arm, {}).get(FINE)
        if own and rows:
            change = sorted((rows[name]["iou"] - own[name]["iou"], name) for name in own)
            lose, win = ([f"{name} {by:+.2f}" for by, name in some] for some in (change[:5], change[:-6:-1]))
            lines.append(f"{arm}: pay most {', '.join(lose)}; gain most {', '.join(win)}")
    return lines


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with atomic_file(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
