"""What a person reads when something they gave cannot be used: one line, and exit status 2."""

from __future__ import annotations

import difflib
import math
import operator
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any


class UserError(Exception):
    """A mistake in what the user gave: says in one line what, where, and what would be right."""


def nearest(name: object, known: Iterable[str]) -> str:
    """The ending of an error line that offers the closest known name, or lists what there is."""
    known = sorted(set(known))
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5) if isinstance(name, str) else []
    if close:
        return f"did you mean {close[0]!r}?"
    return "there are: " + ", ".join(known) if known else "there are none"


def whole_number(name: str, value: Any, least: int = 0) -> int:
    """The value as an int. Raises UserError unless it is a whole number, `least` or more."""
    try:
        number = operator.index(value)
    except TypeError as error:
        raise UserError(f"{name}={shown(value)}: must be a whole number") from error
    if number < least:
        raise UserError(f"{name}={number}: must be {least} or more")
    return number


def check_number(
    name: str, value: Any, fits: Callable[[float], bool] = math.isfinite, wanted: str = "a number"
) -> None:
    """Raise UserError unless the value is a number that `fits`; wanted: which, in words."""
    try:
        fitting = fits(float(value))
    except (TypeError, ValueError, RuntimeError):
        fitting = False
    if not fitting:
        raise UserError(f"{name}={shown(value)}: must be {wanted}")


def check_truncation(value: Any) -> None:
    """Raise UserError unless the value is a number in 0..1."""
    check_number("truncation", value, lambda x: 0 <= x <= 1, "0 to 1")


def check_positive(name: str, value: Any) -> None:
    """Raise UserError unless the value is a finite number above 0."""
    check_number(name, value, lambda x: 0 < x < math.inf, "above 0")


def check_flags(**values: Any) -> None:
    """Raise UserError for a value that is not True or False."""
    for name, value in values.items():
        if not isinstance(value, (bool, int)):
            raise UserError(f"{name}={shown(value)}: must be True or False")


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raise UserError, offering the nearest, unless the value is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise UserError(f"{name}={value if isinstance(value, str) else shown(value)}: {nearest(value, choices)}")


def as_path(name: str, value: Any) -> Path:
    """The value as a path, `~` expanded. Raises UserError for anything but text and paths."""
    path = os.fspath(value) if isinstance(value, (str, os.PathLike)) else ""
    if not path or not isinstance(path, str) or "\0" in path:
        raise UserError(f"{name}={shown(value)}: must be a path")
    return Path(path).expanduser()


def shown(value: Any) -> str:
    """The repr of a value in at most 60 characters of one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


class Suggests:
    """Offers the nearest name for a misspelt attribute: `samples.iamges`."""

    if not TYPE_CHECKING:  # type checkers find it by themselves

        def __getattr__(self, name):
            kind = type(self).__name__
            if name.startswith("_"):  # looked up by copy, pickle and notebooks
                raise AttributeError(f"{kind!r} object has no attribute {name!r}")
            known = [item for item in dir(self) if not item.startswith("_")]
            raise AttributeError(f"{kind} has no {name!r}; {nearest(name, known)}")


def brief(value: Any) -> str:
    """A value of unknown origin for an error line: never all of one that is long or nested."""
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, int) and not -(10**20) < value < 10**20:
        return "a huge number"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)) and not any(isinstance(item, (list, tuple)) for item in value[:4]):
        return f"[{', '.join(map(brief, value[:4]))}{', ...' * (len(value) > 4)}]"
    return f"a {type(value).__name__}"


def first_line(error: BaseException) -> str:
    """The first thing an error says, for the end of a line of ours."""
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
