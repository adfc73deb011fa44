"""Compare recipes, such as families of networks, at equal images or at equal time: the leaderboard.

    composegan bench recipes                                     # stylegan2, paper and modern on faces, three seeds
    composegan bench recipes minutes=10 seeds=0                  # at equal time
    composegan bench recipes arms='paper;wide:paper model.max_channels=96'

(From a checkout also python -m benchmarks.recipes.)

An arm is a name of ARMS, or `NAME:settings` of `composegan fit`, which may begin with the name of an arm to change;
arms are separated by semicolons (or commas between plain names). The recipe is one of its settings. Settings with a
dot, such as trainer.threads=1, apply to all arms and go before an arm's own.

Each (arm, seed) is one run under `out`, trained and evaluated one after another, all arms of the first seed first. With
`minutes`, a run stops at the first checkpoint after that time in `fit`, scores and sample grids included, and the table
says how many images it has seen; the time is CPU time with trainer.threads=1 on a CPU, which other jobs do not affect.
The same command resumes the study: what is finished is not done again. All runs are evaluated by the same call.
Results: JSON, a table, curves, and a sheet of samples for each arm, written after every run.
"""

from __future__ import annotations

from dataclasses import dataclass

from composegan.plugin.fields import choice, number


@dataclass
class RecipesConfig:
    arms: str = "stylegan2,paper,modern"  # which, and what others: see above
    domain: str = "faces"  # of all arms
    seeds: str = "0,1,2"  # of training, such as 0-2
    images: int = number(24_000, least=1)  # to train each run on
    minutes: float = number(0.0, least=0)  # to train each run for, instead of images=; 0: no limit
    pictures: int = number(1000, least=2)  # to evaluate each run with, and real ones of a demo
    split: str = choice("validation", "train")  # the part of the data to evaluate on; validation: no run has seen it
    metrics: str = "all"  # as of `composegan evaluate`
    out: str = "runs/recipes"  # folder of the runs
    results: str = ""  # folder for the results; empty: benchmarks/results/recipes
