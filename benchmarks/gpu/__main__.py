"""`python -m benchmarks.gpu STAGE key=value ...`."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.gpu import GpuConfig, step, synthesis, train
from benchmarks.jobs import Budget
from benchmarks.script import RESULTS, choose, command_line, output, read_settings, run_study

STAGES = {"synthesis": synthesis.run, "step": step.run, "train": train.run}


def main(arguments: Sequence[str]) -> None:
    stages, settings = choose("stage", STAGES, arguments)
    config = read_settings(GpuConfig, settings, "gpu STAGE")
    config.out = str(output(config.out, RESULTS / "gpu"))
    for name in stages:
        print(f"== {name}", flush=True)
        for path in STAGES[name](config, Budget(config.minutes), command_line("gpu", arguments)):
            print(f"wrote {path}", flush=True)


if __name__ == "__main__":
    run_study(main)
