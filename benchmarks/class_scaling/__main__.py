"""`python -m benchmarks.class_scaling PART key=value ...`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from benchmarks.script import choose, run_study

PARTS = ("cost", "quality")


def main(arguments: Sequence[str]) -> None:
    parts, settings = choose("part of the study", PARTS, arguments or ["all"])
    for name in parts:
        import_module(f"benchmarks.class_scaling.{name}").main(settings)


if __name__ == "__main__":
    run_study(main)
