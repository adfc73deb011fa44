"""`python -m benchmarks.gpu STAGE key=value ...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu import GpuConfig, step, synthesis, train
from benchmarks.jobs import Budget
from benchmarks.script import RESULTS, choose, command_line, output, read_settings, run_study

STAGES = {"synthesis": synthesis.run, "step": step.run, "train": train.run}


def main(arguments: Sequence[str]) -> None:
    stages, settings = choose("stage", STAGES, arguments)
    more = [setting for setting in settings if "." in setting.partition("=")[0]]
    config = read_settings(GpuConfig, [setting for setting in settings if setting not in more], "gpu STAGE")
    family = dict(setting.split("=", 1) for setting in more if "=" in setting).get("model.family", "paper")
    place = "" if family == "paper" else family
    config.out, config.work = str(output(config.out, RESULTS / "gpu") / place), str(Path(config.work) / place)
    for name in stages:
        print(f"== {name}", flush=True)
        for path in STAGES[name](config, Budget(config.minutes), command_line("gpu", arguments), more):
            print(f"wrote {path}", flush=True)


if __name__ == "__main__":
    run_study(main)
