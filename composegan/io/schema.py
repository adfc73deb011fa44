"""Check nested plain values of unknown origin against a schema. Standard library only.

A schema is a `Leaf`, a list of one schema, `Each`, `OrNone`, or a dict of schemas by key. A key that ends in "?" may be
missing; keys that a schema does not name are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from composegan.errors import brief


@dataclass(frozen=True)
class Leaf:
    """A single value. words: what is needed, for error lines."""

    words: str
    valid: Callable[[Any], bool]


COUNT = Leaf("a whole number from 0", lambda x: type(x) is int and 0 <= x < 2**53)
NUMBER = Leaf("a number", lambda x: type(x) in (int, float) and -1e300 < x <= float("inf"))
FLAG = Leaf("true or false", lambda x: type(x) is bool)
STRING = Leaf("text", lambda x: type(x) is str)


@dataclass(frozen=True)
class Each:
    """A dict with any keys that `key` allows."""

    schema: Any
    key: Leaf = STRING


@dataclass(frozen=True)
class OrNone:
    """None, or what `schema` allows."""

    schema: Any


def check(value: Any, schema: Any, where: str = "") -> None:
    """Raise ValueError, naming the place, unless `value` is as `schema` says."""

    def need(words: str, valid: bool) -> None:
        if not valid:
            raise ValueError(f"{where or 'the content'} is {brief(value)}; {words} is needed")

    if isinstance(schema, OrNone):
        if value is not None:
            check(value, schema.schema, where)
    elif isinstance(schema, Leaf):
        need(schema.words, schema.valid(value))
    elif isinstance(schema, list):
        need("a list", type(value) is list)
        for number, item in enumerate(value):
            check(item, schema[0], f"{where}[{number}]")
    elif isinstance(schema, Each):
        need("a dict", type(value) is dict)
        for key, item in value.items():
            if not schema.key.valid(key):
                raise ValueError(f"{where} has the key {brief(key)}; {schema.key.words} is needed")
            check(item, schema.schema, f"{where}[{brief(key)}]")
    else:
        need("a dict", type(value) is dict)
        for key, item in schema.items():
            name = key.removesuffix("?")
            if name in value:
                check(value[name], item, f"{where}.{name}" if where else name)
            elif name == key:
                raise ValueError(f"{where or 'the content'} has no {name!r}")
