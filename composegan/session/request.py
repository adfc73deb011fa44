"""Requests: edits as plain values, such as `{"move": {"classes": ["hair"], "dx": 4}}`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from composegan.editing import METHODS, check_used
from composegan.errors import UserError, check_choice, check_flags, check_number, nearest, shown, whole_number

ARGUMENTS = {
    "edit": ("classes", "part", "base", "method", "amount", "seed", "other"),
    "paint": ("mask", "classes"),
    "move": ("classes", "dx", "dy", "scale"),
    "recolor": ("classes", "color"),
    "slide": ("direction", "amount"),
}
"""The arguments of each request, which mean what they mean for the method of `composegan.Model` of the same name; slide
is `Direction.apply`. `other` is a random picture, `{"seed": 0, "picture": 12}`; `mask` is text, see `label_png`."""
NEEDED = {"edit": ("classes",), "paint": ("mask",), "move": ("classes",), "recolor": ("classes", "color"),
          "slide": ("direction", "amount")}  # fmt: skip
LARGEST = {"amount": 100.0, "dx": 1e4, "dy": 1e4, "scale": 100.0}
"""Largest absolute values of numbers."""
SEEDS, PICTURES = 2**31, 100_000
"""Seeds and numbers of pictures are below these."""


@dataclass(frozen=True)
class Request:
    """One edit. verb: a key of `ARGUMENTS`; given: its arguments, plain values, without those left out."""

    verb: str
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Any) -> Request:
        """Check `{VERB: {argument: value}}`. Classes and colours are checked when the request is applied.

        Raises UserError for unknown verbs and arguments, missing ones, and values of other types or out of range.
        """
        if isinstance(content, Request):
            return content
        if not isinstance(content, Mapping) or len(content) != 1:
            raise UserError(f"request={shown(content)}: must have one key, as in {{'move': {{'classes': 'hair'}}}}")
        ((verb, given),) = content.items()
        check_choice("request", verb, ARGUMENTS)
        if not isinstance(given, Mapping):
            raise UserError(f"{verb}={shown(given)}: must be arguments by name")
        given = {name: value for name, value in given.items() if value is not None}
        for name in given:
            if name not in ARGUMENTS[verb]:
                raise UserError(f"{verb}: has no argument {shown(name)}; {nearest(name, ARGUMENTS[verb])}")
        for name in NEEDED[verb]:
            if name not in given:
                raise UserError(f"{verb}: {name} is missing")
        return cls(verb, {name: _checked(name, value) for name, value in given.items()})._consistent()

    def _consistent(self) -> Request:
        """The request, with the number of `scale` checked to be positive and unused arguments refused."""
        given = self.given
        if self.verb == "edit":
            method = given.get("method", "resample")
            check_choice("method", method, METHODS)
            check_used(method, given.get("amount"), given.get("other"))
        if given.get("scale", 1.0) <= 0:
            raise UserError(f"scale={given['scale']}: must be above 0")
        return self

    @property
    def content(self) -> dict[str, dict[str, Any]]:
        """The request as `of` takes it: what json writes."""
        return {self.verb: dict(self.given)}

    def __str__(self) -> str:
        texts = [f"{name}={shown(value)}" for name, value in self.given.items() if name != "mask"]
        return " ".join([self.verb, *texts])


def picture_of(value: Any, name: str = "other") -> dict[str, int]:
    """A random picture as plain values: `{"seed": 0, "picture": 12}`. Raises UserError for anything else."""
    if not isinstance(value, Mapping) or not set(value) <= {"seed", "picture"}:
        raise UserError(f"{name}={shown(value)}: must be a random picture, as in {{'seed': 0, 'picture': 12}}")
    return {
        "seed": _below(SEEDS, f"{name}.seed", value.get("seed", 0)),
        "picture": _below(PICTURES, f"{name}.picture", value.get("picture", 0)),
    }


def _checked(name: str, value: Any) -> Any:
    """The value of an argument as a plain value. Raises UserError for another type or a value out of range."""
    if name in LARGEST:
        most = LARGEST[name]
        check_number(name, value, lambda number: abs(number) <= most, f"a number up to {most:g}")
        if isinstance(value, (bool, str)):
            raise UserError(f"{name}={shown(value)}: must be a number")
        return float(value)
    if name == "classes":
        return _names(value)
    if name == "base":
        check_flags(base=value)
        return bool(value)
    if name == "seed":
        return _below(SEEDS, "seed", value)
    if name == "other":
        return picture_of(value)
    if name == "color" and isinstance(value, (list, tuple)):
        return [whole_number("color", part) for part in value[:4]]
    if not isinstance(value, str):
        raise UserError(f"{name}={shown(value)}: must be text")
    return value


def _names(value: Any) -> list[str]:
    items = [value] if isinstance(value, str) else list(value) if isinstance(value, Iterable) else [None]
    if not all(isinstance(item, str) for item in items):
        raise UserError(f"classes={shown(value)}: must be the name of a class, or several")
    return [str(item) for item in items]


def _below(most: int, name: str, value: Any) -> int:
    number = whole_number(name, value)
    if number >= most:
        raise UserError(f"{name}={number}: must be below {most}")
    return number
