"""One value, from what was written (text, or what YAML made of it) to the type its setting has."""

from __future__ import annotations

import math
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import yaml

from composegan.config.yaml_file import parse_names, reason

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_NAMES = {bool: "on or off", int: "whole number", float: "number", str: "text", Any: "name or list"}


def convert(value: Any, kind: Any) -> Any:
    """`value` as the type `kind` (bool, int, float, str, Any, or one of these with `| None`).

    Text is read as a person writes it: `on`, `yes`; `1e3` for a whole number; empty or `null` for no value.
    A value of type Any may be a list in YAML, in which every name is text.
    Raises ValueError, saying what was needed.
    """
    kind, may_be_empty = _without_none(kind)
    if may_be_empty and (value is None or (isinstance(value, str) and value.strip().lower() in ("", "null", "none"))):
        return None
    # OmegaConf would take these for references between settings, and for "missing".
    if isinstance(value, str) and ("${" in value or value == "???"):
        raise ValueError(f"{value!r} is not expanded; write the value itself")
    if kind is Any:
        return _any(value)
    try:
        return {bool: _bool, int: _int, float: _float, str: _str}[kind](value)
    except (ValueError, OverflowError):
        raise ValueError(f"{describe(kind)} needed, found {value!r}") from None


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
    """The type itself, and whether it may be None."""
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


def _int(value: Any) -> int:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    elif type(value) is int:
        return value
    number = _float(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _str(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError
    return str(value)


def _any(value: Any) -> Any:
    """A name, or a list (of lists) of names; text is YAML."""
    if isinstance(value, str):
        try:
            value = parse_names(value)
        except yaml.YAMLError as error:
            raise ValueError(f"{value!r} is neither a name nor a list such as [[a,b],[c]]: {reason(error)}") from None
    if isinstance(value, (list, tuple)):
        return [_any_item(item) for item in value]
    return _any_item(value)


def _any_item(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_any_item(item) for item in value]
    if isinstance(value, str) and value.strip() and "${" not in value and value != "???":
        return value
    raise ValueError(f"names needed, found {value!r}")
