"""Lines on the screen. A closed terminal or pipe does not end a run."""

from __future__ import annotations

import sys
from contextlib import suppress


def print_line(*lines: str, error: bool = False) -> None:
    """Print lines at once, to stdout or stderr.

    Does nothing if the pipe has no reader (`| tee log`, which Ctrl-C ends as well), the terminal is closed, or the
    stream is being written to (in a signal handler).
    """
    with suppress(OSError, RuntimeError):
        print(*lines, sep="\n", file=sys.stderr if error else sys.stdout, flush=True)
