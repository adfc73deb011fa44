"""Measure quality at fixed batch, steps and seeds on streets: a generator for each class, shared ones, merged labels.

    python -m benchmarks.class_scaling quality images=24000 seeds=0,1,2 jobs=2
    python -m benchmarks.class_scaling quality scale=large data.root=CITYSCAPES       # for a GPU, days

Each (arm, seed) is one run under `out`; all arms of the first seed come first. The same command resumes the study: runs
that are finished are reused and interrupted ones are resumed. Settings of `composegan fit`, those with a dot, apply to
all arms. Results: one JSON for each run, and all together with tables and plots in `results` and `plot`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.class_scaling import plots, report, run
from benchmarks.class_scaling.arms import ARMS, SCALES, settings_of
from benchmarks.class_scaling.judges import make_judges
from benchmarks.class_scaling.measures import reference
from benchmarks.class_scaling.pool import Command, run_all
from benchmarks.script import CHECKOUT, RESULTS, command_line, newest_run, output, read_settings
from benchmarks.study_runs import check_same, setup_device
from composegan.config.compose import Composed, compose
from composegan.config.lists import names_in, numbers_in
from composegan.data.open import open_source
from composegan.errors import UserError
from composegan.plugin.fields import choice, number

CODE_SEED = 1000
"""Seed of the codes that are measured, the same for all runs and different from every training seed."""


@dataclass
class QualityConfig:
    scale: str = choice(*SCALES)  # small: hours on two cores; large: days on a GPU
    arms: str = "all"  # such as per_class,merged16,affinity8
    seeds: str = "0,1,2"  # of training, such as 0-2
    images: int = number(0, least=0)  # to train each run on; 0: the scale's
    pictures: int = number(0, least=0)  # to evaluate each run with; 0: the scale's
    jobs: int = number(1, least=0)  # runs at the same time, each in a process; 0: one after another in this process
    out: str = "runs/class_quality"  # folder of the runs
    results: str = ""  # folder for tables; empty: benchmarks/results
    plot: str = ""  # file of the plot; empty: docs/images/class_quality.png


def main(arguments: Sequence[str]) -> None:
    more = [argument for argument in arguments if "." in argument.partition("=")[0]]
    own = [argument for argument in arguments if argument not in more]
    config = read_settings(QualityConfig, own, "class_scaling quality")
    scale, out = SCALES[config.scale], Path(config.out)
    images, pictures = config.images or scale.images, config.pictures or scale.pictures
    arms, seeds = names_in(config.arms, list(ARMS), "arms"), numbers_in(config.seeds, "seeds")
    if not arms or not seeds:
        raise UserError("arms= and seeds=: at least one of each is needed")
    if pictures < 2:
        raise UserError(f"pictures={pictures}: at least 2 are needed")
    runs = {(arm, seed): settings_of(arm, seed, config.scale, images, more) for seed in seeds for arm in arms}
    composed = [compose(runs[arm, seeds[0]]) for arm in arms]  # reports a wrong setting before any work is done
    roots = {(arm, seed): out / f"{arm}-{seed}" for arm, seed in runs}
    for key, settings in runs.items():
        if before := newest_run(roots[key]):
            check_same(before, settings)

    real = prepare(composed)
    commands = {
        roots[key]: [str(roots[key]), str(images), str(pictures), str(CODE_SEED), *settings]
        for key, settings in runs.items()
        if run.results_of(roots[key], images, pictures) is None
    }
    failed = train_all(commands, config.jobs)
    found = {key: results for key in runs if (results := run.results_of(roots[key], images, pictures))}
    if found:
        command = command_line("class_scaling quality", arguments)
        study = {"command": command, "scale": config.scale, "images": images, "pictures": pictures, "real": real}
        written = report.write(study, found, output(config.results, RESULTS))
        if plots.available():
            plot = output(config.plot, CHECKOUT / "docs" / "images" / "class_quality.png")
            strip = plot.with_name(f"{plot.stem}_pictures.png")
            plots.quality(found, real, plot)
            plots.pictures({arm: roots[arm, seed] / "pictures.png" for arm, seed in reversed(list(found))}, strip)
            written += [plot, strip]
        for path in written:
            print(f"wrote {path}")
    if failed:
        raise SystemExit(1)


def prepare(composed: list[Composed]) -> dict[str, Any]:
    """Draw all streets and train both segmenters once, before parallel runs need them. Returns the results of real
    pictures."""
    for one in composed:
        open_source(one.plugin, one.config.data)
    config = composed[0].config
    return reference(*make_judges(config.data, setup_device(config)))


def train_all(commands: dict[Path, list[str]], jobs: int) -> bool:
    """Run `class_scaling.run` with each list of arguments, by the root of its run. Returns whether any failed."""
    if jobs == 0:
        for arguments in commands.values():
            run.main(arguments)
        return False
    module = [sys.executable, "-m", "benchmarks.class_scaling.run"]
    todo = [Command(root.name, [*module, *command], root / "log.txt") for root, command in commands.items()]
    return any(run_all(todo, jobs).values())
