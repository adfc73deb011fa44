"""`python -m benchmarks.hostile`; the exit status is 1 if there were failures."""

from __future__ import annotations

from benchmarks.hostile.run import main
from benchmarks.script import run_study

if __name__ == "__main__":
    run_study(main)
