"""`python -m benchmarks.gpu STAGE key=value ...`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.gpu import GpuConfig, step, synthesis, train
from benchmarks.jobs import Budget
from benchmarks.script import RESULTS, choose, command_line, output, read_settings, run_study

STAGES = {"synthesis": synthesis.run, "step": step.run, "train": train.run}
FAMILIES = ([], ["model.family=modern", "training.loss=modern"])
"""The settings of each family that is measured by default. None: those of paper."""


def main(arguments: Sequence[str]) -> None:
    stages, settings = choose("stage", STAGES, arguments)
    more = [setting for setting in settings if "." in setting.partition("=")[0]]
    config = read_settings(GpuConfig, [setting for setting in settings if setting not in more], "gpu STAGE")
    for networks in [more] if family_of(more) else [[*family, *more] for family in FAMILIES]:
        family = family_of(networks) or "paper"
        place = "" if family == "paper" else family
        out, work = output(config.out, RESULTS / "gpu") / place, Path(config.work) / place
        here = replace(config, out=str(out), work=str(work))
        for name in stages:
            print(f"== {family}: {name}", flush=True)
            for path in STAGES[name](here, Budget(config.minutes), command_line("gpu", arguments), networks):
                print(f"wrote {path}", flush=True)


def family_of(settings: Sequence[str]) -> str | None:
    """The `model.family` among settings of `composegan fit`, or None."""
    return dict(setting.split("=", 1) for setting in settings if "=" in setting).get("model.family")


if __name__ == "__main__":
    run_study(main)
