"""What a person reads when something they gave cannot be used: one line, and exit status 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in what the user gave: says in one line what, where, and what would be right."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The ending of an error line that offers the closest known name, or lists what there is."""
    known = sorted(set(known))
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return "there are: " + ", ".join(known) if known else "there are none"


def first_line(error: BaseException) -> str:
    """The first thing an error says, for the end of a line of ours."""
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
