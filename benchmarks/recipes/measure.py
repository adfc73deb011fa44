"""One run of the leaderboard: trained or resumed to its end, then evaluated."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import composegan
from benchmarks.recipes import RecipesConfig
from benchmarks.recipes.clock import Clock, minutes_of
from benchmarks.script import write_json
from benchmarks.study_runs import setup_device, train
from composegan.api.evaluation import evaluate_model
from composegan.config.compose import load_config, open_domain
from composegan.config.run_folder import CONFIG
from composegan.config.schema import DataConfig
from composegan.config.validate import score_names
from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.lock import exclusive_lock

RESULTS, TIMES, SHEET = "leaderboard.json", "times.json", "samples.png"
CODE_SEED, SHOWN = 1000, 16
"""Seed of the codes that are measured and shown, the same for all runs; how many are shown."""
UNLIMITED = 10**9
"""`training.images` of a run that is limited by its time."""


def target_of(config: RecipesConfig) -> dict[str, Any]:
    """What decides whether a run's results are those that the study asks for."""
    limit = {"minutes": config.minutes} if config.minutes else {"images": config.images}
    return {**limit, "pictures": config.pictures, "split": config.split, "metrics": config.metrics}


def limit_of(config: RecipesConfig) -> int:
    """The images to train each run on at most."""
    return UNLIMITED if config.minutes else config.images


def held_out(data: DataConfig, config: RecipesConfig) -> DataConfig:
    """The images to evaluate on, of the same data as those of training."""
    return replace(data, split=config.split, demo_count=config.pictures)


def results_of(root: Path, config: RecipesConfig) -> dict[str, Any] | None:
    """The results of the run under `root`; None if it has not been measured as the study asks for."""
    if not (root / RESULTS).exists():
        return None
    found = json.loads((root / RESULTS).read_text())
    return found if found["target"] == target_of(config) else None


def train_and_evaluate(root: Path, settings: Sequence[str], config: RecipesConfig) -> dict[str, Any]:
    """Train the run under `root` to its end and write its results there. Raises UserError as `fit` does."""
    root.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(root):
        clock = Clock(root / TIMES, config.minutes)
        if trained_longer(clock.times, config):
            raise UserError(f"{root}: was trained for longer than that; set another folder, out=PATH")
        run = train(root, settings, limit_of(config), [clock], done=clock.is_over)
        return evaluate(root, run, config, clock)


def trained_longer(times: Sequence[Sequence[float]], config: RecipesConfig) -> bool:
    """Whether a run has gone on after the checkpoint at which the study ends it."""
    before = times[:-1]
    if config.minutes:
        return minutes_of(before) >= config.minutes
    return bool(before) and before[-1][0] >= config.images


def evaluate(root: Path, run: Path, config: RecipesConfig, clock: Clock) -> dict[str, Any]:
    """The figures of the run's model against held-out images; also written to `root`, with a sheet of samples."""
    own = load_config(run / CONFIG)
    model = composegan.load(run, str(setup_device(own)))
    plugin = open_domain(own.domain, own.plugin_path)
    found = evaluate_model(
        model, plugin, held_out(own.data, config), config.metrics, n=config.pictures, seed=CODE_SEED, name=run.name
    )
    found.save(root / "evaluation", overwrite=True)
    with atomic_file(root / SHEET) as file:
        model.sample(SHOWN, seed=CODE_SEED).contact_sheet().save(file, format="PNG")
    figures = found.report.figures
    results = {
        "target": target_of(config),
        "run": str(run),
        "images_seen": model.about["images_seen"],
        "minutes": round(minutes_of(clock.times), 2),
        "generator": sum(parameter.numel() for parameter in model.generator.parameters()),
        "figures": {figure.name: figure.value for figure in figures},
        "better": {figure.name: figure.better for figure in figures},
        "real": {figure.name: figure.halves for figure in figures if figure.halves is not None},
        "classes": found.report.by_class,
        "skipped": found.report.skipped,
        "scores": scores_of(run, clock.times, score_names(own)),
    }
    write_json(root / RESULTS, results)
    return results


def scores_of(run: Path, times: Sequence[Sequence[float]], names: Sequence[str]) -> dict[str, list[list[float]]]:
    """The scores of these names that `fit` measured: by name, rows of (images seen, minutes, score)."""
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    seen, seconds = zip(*([0, 0.0], *times), strict=True)
    found: dict[str, list[list[float]]] = {}
    for row in rows:
        minutes = round(float(np.interp(float(row["images_seen"]), seen, seconds)) / 60, 3)
        for name in names:
            if value := row.get(f"score/{name}"):
                found.setdefault(name, []).append([int(row["images_seen"]), minutes, float(value)])
    return found
