"""Quality at fixed batch, steps and seeds: a generator a class, shared ones, and labels merged, on streets.

    python -m benchmarks.class_scaling quality images=24000 seeds=0,1,2 jobs=2
    python -m benchmarks.class_scaling quality scale=large data.root=CITYSCAPES       # for a GPU, days

Each (arm, seed) is one run under `out`. What is finished is not done again, and what was interrupted goes on, so the
same command goes on with the study; all arms of the first seed come first. Settings of `composegan fit`, those with a
dot, are given to all arms. Figures: one JSON a run, and all together with tables and plots in `results` and `plot`.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.class_scaling import report, run
from benchmarks.class_scaling.arms import ARMS, SCALES, settings_of
from benchmarks.class_scaling.judges import make_judges
from benchmarks.class_scaling.measures import reference
from benchmarks.class_scaling.pool import Job, work_off
from composegan.config.arguments import split_arguments
from composegan.config.compose import compose, read_arguments
from composegan.config.lists import names_in, numbers_in
from composegan.data.open import open_source
from composegan.errors import UserError, nearest
from composegan.runtime.progress import progress_bar

CHECKOUT = Path(__file__).parents[2]
SEED_OF_PICTURES = 1000
"""Of the codes that are measured, for all runs the same, and not a seed of training."""


@dataclass
class QualityConfig:
    scale: str = "small"  # small: two cores and hours; large: a GPU and days
    arms: str = "all"  # which, such as per_class,merged16,affinity8
    seeds: str = "0,1,2"  # of training, such as 0-2
    images: int = 0  # a run is trained on; 0: the scale's
    pictures: int = 0  # a run is measured by; 0: the scale's
    jobs: int = 1  # runs at the same time, each a process; 0: one after another in this one
    out: str = "runs/class_quality"  # folder of the runs
    results: str = str(CHECKOUT / "benchmarks" / "results")  # folder for tables
    plot: str = str(CHECKOUT / "docs" / "images" / "class_quality.png")  # file of the plot


def main(arguments: Sequence[str]) -> None:
    given = split_arguments(arguments)
    more = [f"{key}={value}" for key, value in given if "." in key]
    own = [f"{key}={value}" for key, value in given if "." not in key]
    config = read_arguments(QualityConfig, own, see="the head of benchmarks/class_scaling/quality.py")
    if config.scale not in SCALES:
        raise UserError(f"scale={config.scale}: {nearest(config.scale, SCALES)}")
    scale, out = SCALES[config.scale], Path(config.out)
    images, pictures = config.images or scale.images, config.pictures or scale.pictures
    arms, seeds = names_in(config.arms, list(ARMS), "arms"), numbers_in(config.seeds, "seeds")
    if not arms or not seeds:
        raise UserError("arms= and seeds=: at least one of each is needed")
    if pictures < 2 or config.jobs < 0:
        raise UserError(f"pictures={pictures} jobs={config.jobs}: at least 2 pictures are needed, and 0 jobs or more")
    runs = {(arm, seed): settings_of(arm, seed, config.scale, images, more) for seed in seeds for arm in arms}
    composed = {arm: compose(runs[arm, seeds[0]]) for arm in arms}  # a mistake is told before anything is done
    for (arm, seed), settings in runs.items():
        if (before := run.find(out / f"{arm}-{seed}")) is not None:
            run.check_same(before, settings)

    real = prepare(list(composed.values()))
    roots = {key: out / f"{key[0]}-{key[1]}" for key in runs}
    todo = [key for key in runs if run.figures_of(roots[key], images, pictures) is None]
    commands = {key: [str(roots[key]), str(images), str(pictures), str(SEED_OF_PICTURES), *runs[key]] for key in todo}
    failed = train_all(commands, roots, images, config.jobs)
    found = {key: run.figures_of(roots[key], images, pictures) for key in runs}
    found = {key: figures for key, figures in found.items() if figures}
    if found:
        command = " ".join(["composegan bench class_scaling quality", *arguments])
        study = {"command": command, "scale": config.scale, "images": images, "pictures": pictures, "real": real}
        for path in report.write(study, found, Path(config.results), Path(config.plot), roots):
            print(f"wrote {path}")
    if failed:
        raise SystemExit(1)


def prepare(composed: list[Any]) -> dict[str, Any]:
    """Draw all streets, and train both segmenters, once and before runs would do it side by side. Returns what the
    figures are for real pictures."""
    for one in composed:
        open_source(one.plugin, one.config.data)
    config = composed[0].config
    gpu = torch.cuda.is_available() and config.trainer.accelerator != "cpu"
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    return reference(*make_judges(config.data, torch.device("cuda" if gpu else "cpu")))


def train_all(commands: dict, roots: dict, images: int, jobs: int) -> list[str]:
    """Work them off. Returns the names of those that failed, having said why."""
    if jobs == 0:
        for arguments in commands.values():
            run.main(arguments)
        return []
    tasks = [
        Job(f"{arm}-{seed}", [sys.executable, "-m", "benchmarks.class_scaling.run", *command],
            roots[arm, seed] / "log.txt")
        for (arm, seed), command in commands.items()
    ]  # fmt: skip
    before = sum(progress_of(roots[key]) for key in commands)
    with progress_bar("Training and measuring, images" * bool(tasks), images * len(tasks)) as advance:
        advance(before)

        def look() -> None:
            nonlocal before
            now = sum(min(progress_of(roots[key]), images) for key in commands)
            advance(now - before)
            before = now

        status = work_off(tasks, jobs, look)
    failed = [job for job in tasks if status[job.name]]
    for job in failed:
        said = job.log.read_text().strip().splitlines()[-1:]
        print(f"{job.name} failed: {' '.join(said)} (see {job.log})", flush=True)
    return [job.name for job in failed]


def progress_of(root: Path) -> int:
    """How many images the run under `root` has seen, as far as it has written down; when measured, what it was to."""
    if (root / run.FIGURES).exists():
        return json.loads((root / run.FIGURES).read_text())["images_seen"]
    if (folder := run.find(root)) is not None:
        with suppress(OSError, IndexError, ValueError, KeyError), (folder / "metrics.csv").open() as file:
            return int(list(csv.DictReader(file))[-1]["images_seen"])
    return 0
