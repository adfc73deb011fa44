"""Fuzz the file readers and the command line: bad input must end in one line of error, never in a traceback.

    python -m benchmarks.hostile                       # 1,000 files and 2,000 lines: benchmarks/results/hostile.json
    python -m benchmarks.hostile files=60 lines=100 seed=1 out=/tmp/hostile.json

A valid file of each kind (kit) is changed (changes, binaries) and passed to the command that reads it, or a command
line is generated (lines). A case depends only on the seed, its kind and its number. Each runs in a process and a folder
of its own, with limits on time and memory. It must end with status 0 (the change left something usable), with status 2
and one line that, for a file, names it, or where long work would begin. Anything else is a failure: a traceback, a
signal, a hang, too much memory, a library's warning, or code in a file that was executed. The study can be interrupted:
the same command resumes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from composegan.plugin.fields import number


@dataclass
class HostileConfig:
    files: int = number(1000, least=0)  # number of changed files
    lines: int = number(2000, least=0)  # number of command lines
    seed: int = 0  # of both
    seconds: float = number(60.0, least=1)  # time limit of a command
    out: str = ""  # file to write; empty: benchmarks/results/hostile.json
