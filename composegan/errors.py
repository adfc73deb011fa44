"""What a person reads when something they gave cannot be used: one line, and exit status 2."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable
from typing import Any


class UserError(Exception):
    """A mistake in what the user gave: says in one line what, where, and what would be right."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The ending of an error line that offers the closest known name, or lists what there is."""
    known = sorted(set(known))
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return "there are: " + ", ".join(known) if known else "there are none"


def whole_number(name: str, value: Any, least: int = 0) -> int:
    """The value as an int. Raises UserError unless it is a whole number, `least` or more."""
    try:
        number = operator.index(value)
    except TypeError as error:
        raise UserError(f"{name}={value!r}: must be a whole number") from error
    if number < least:
        raise UserError(f"{name}={number}: must be {least} or more")
    return number


def check_truncation(value: Any) -> None:
    """Raise UserError unless the value is a number in 0..1."""
    try:
        inside = 0 <= float(value) <= 1
    except (TypeError, ValueError):
        inside = False
    if not inside:
        raise UserError(f"truncation={value!r}: must be 0 to 1")


def check_positive(name: str, value: Any) -> None:
    """Raise UserError unless the value is a finite number above 0."""
    try:
        positive = 0 < float(value) < math.inf
    except (TypeError, ValueError):
        positive = False
    if not positive:
        raise UserError(f"{name}={value!r}: must be above 0")


def first_line(error: BaseException) -> str:
    """The first thing an error says, for the end of a line of ours."""
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
