"""Convert one value, text or parsed YAML, to the type of its setting."""

from __future__ import annotations

import math
import os
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from composegan.io.yaml_file import parse_names

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
LARGEST = 10**18
"""The largest whole number of a setting; every library accepts it."""
NUMBER_OR_WORD = float | str
_NAMES = {
    bool: "on or off", int: "whole number", float: "number", str: "text", Any: "name or list",
    NUMBER_OR_WORD: "number or text",
}  # fmt: skip


class _TooLargeError(ValueError):
    pass


def convert(value: Any, kind: Any) -> Any:
    """`value` as the type `kind` (bool, int, float, str, `float | str`, Any, or one of these with `| None`).

    Text may be written as people write it: `on`, `yes`; `1e3` for a whole number; empty or `null` for None.
    A value of type Any is a name or a YAML list, in which every item is text. Raises ValueError saying what is needed.
    """
    kind, may_be_empty = _without_none(kind)
    if isinstance(value, str) and (wrong := _unusable(value)):
        raise ValueError(wrong)
    if may_be_empty and (value is None or (isinstance(value, str) and value.strip().lower() in ("", "null", "none"))):
        return None
    if isinstance(value, str) and "${" in value:
        raise ValueError(f"{_shown(value)} is not expanded; write the value itself")
    if kind is Any:
        return _any(value)
    try:
        return {bool: _bool, int: _int, float: _float, str: _str, NUMBER_OR_WORD: _number_or_word}[kind](value)
    except (ValueError, OverflowError) as error:
        if isinstance(error, _TooLargeError):
            raise
        raise ValueError(f"{describe(kind)} needed, found {_shown(value)}") from None


def _unusable(text: str) -> str | None:
    """Why a text can be neither a path nor a name; None if it can."""
    if "\0" in text:
        return f"{_shown(text)} has a character of code 0"
    home = text.partition("/")[0]
    if home == "~" and os.path.expanduser(home) == home:
        return f"{_shown(text)}: this user has no home folder; give the path in full, or set HOME"
    if home.startswith("~") and os.path.expanduser(home) == home:
        return f"{_shown(text)}: this machine has no user {home[1:]!r}"
    return None


def _shown(value: Any) -> str:
    """The repr of a value, shortened to fit in a line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text):,} characters)"


def describe(kind: Any) -> str:
    """A type in words: "whole number", "number or empty"."""
    kind, may_be_empty = _without_none(kind)
    return _NAMES[kind] + (" or empty" if may_be_empty else "")


def show(value: Any) -> str:
    """A value as it would be written on the command line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(show, value)) + "]"
    return str(value)


def _without_none(kind: Any) -> tuple[Any, bool]:
    """The type without `| None`, and whether it had that."""
    if get_origin(kind) in (Union, UnionType):
        parts = [part for part in get_args(kind) if part is not NoneType]
        if len(parts) == 1:
            return parts[0], True
    return kind, False


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else None
    if word not in _WORDS:
        raise ValueError
    return _WORDS[word]


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _number_or_word(value: Any) -> float | str:
    try:
        return _float(value)
    except ValueError:
        return _str(value)


def _int(value: Any) -> int:
    try:
        number = int(value) if isinstance(value, str) or type(value) is int else None
    except ValueError:
        number = None
    if number is None:
        written = _float(value)
        number = int(written)
        if written != number:
            raise ValueError
    if abs(number) > LARGEST:
        raise _TooLargeError(f"must be from {-LARGEST:,} to {LARGEST:,}, found {_shown(value)}")
    return number


def _str(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError
    return str(value)


def _any(value: Any) -> Any:
    """A name, or a list (of lists) of names; text is parsed as YAML."""
    if isinstance(value, str):
        try:
            value = parse_names(value)
        except ValueError as error:
            raise ValueError(f"{_shown(value)} is neither a name nor a list such as [[a,b],[c]]: {error}") from None
    if isinstance(value, (list, tuple)):
        return [_any_item(item) for item in value]
    return _any_item(value)


def _any_item(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_any_item(item) for item in value]
    if isinstance(value, str) and value.strip() and "${" not in value:
        return value
    raise ValueError(f"names needed, found {_shown(value)}")
