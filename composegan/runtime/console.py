"""Lines for whoever watches a run. That nobody can read them any more is no reason to end it."""

from __future__ import annotations

import sys
from contextlib import suppress


def print_line(*lines: str, error: bool = False) -> None:
    """Print lines at once, to stdout or stderr.

    Where that is a pipe whose reader is gone (`| tee log`, which Ctrl-C ends as well), a terminal that was closed, or
    a stream that is being written to at this moment (from a handler of signals), nothing happens.
    """
    with suppress(OSError, RuntimeError):
        print(*lines, sep="\n", file=sys.stderr if error else sys.stdout, flush=True)
