"""The settings of a schema, flat: `data.height` with its type, default, bounds and help text. Standard library only."""

from __future__ import annotations

import inspect
import io
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, get_type_hints

from composegan.config.values import convert, describe
from composegan.errors import UserError, nearest
from composegan.plugin.contracts import Kind
from composegan.plugin.fields import Bounds


@dataclass(frozen=True)
class Setting:
    """One `key=value`. key: dotted, such as "data.height"; type: the annotation of the field; help: its comment.

    bounds: the values it accepts; kind: the kind of extension that it names. None where the field has none.
    """

    key: str
    type: Any
    default: Any
    help: str = ""
    bounds: Bounds | None = None
    kind: Kind | None = None

    @property
    def words(self) -> str:
        """The values it accepts, in words: "whole number, 1 to 8,192"."""
        if self.bounds and self.bounds.choices:
            return str(self.bounds)
        return ", ".join([describe(self.type), *[str(self.bounds)] * (self.bounds is not None)])


def settings_of(schema: type, prefix: str = "") -> Mapping[str, Setting]:
    """Every setting of a dataclass and of the dataclasses in it, by dotted key, in order. prefix: of all keys."""
    return _settings_of(schema, prefix)


@cache
def _settings_of(schema: Any, prefix: str) -> Mapping[str, Setting]:
    types, comments = get_type_hints(schema), _comments(schema)
    settings: dict[str, Setting] = {}
    for item in fields(schema):
        key, kind, more = prefix + item.name, types[item.name], item.metadata
        if is_dataclass(types[item.name]):
            settings |= _settings_of(kind, key + ".")
        elif not more.get("hidden"):
            default = item.default if item.default_factory is MISSING else item.default_factory()
            text = comments.get(item.name, "")
            settings[key] = Setting(key, kind, default, text, more.get("bounds"), more.get("kind"))
    return settings


def typed(schema: type, values: Mapping[str, Any], see: str) -> dict[str, Any]:
    """Values of some settings of a schema, each as the setting's type.

    see: where the settings are listed, for the error. Raises UserError for an unknown key, and a value of another type.
    """
    settings, found = settings_of(schema), {}
    for key, value in values.items():
        if key not in settings:
            raise UserError(unknown_key(key, settings, see))
        try:
            found[key] = convert(value, settings[key].type)
        except ValueError as error:
            raise UserError(f"{key}: {error}") from error
    return found


def check_bounds(config: Any, prefix: str = "") -> None:
    """Raise UserError, naming the setting, for the first value of a settings dataclass that is out of bounds.

    prefix: what the names of its settings begin with, such as "data.".
    """
    for key, setting in settings_of(type(config)).items():
        if setting.bounds:
            setting.bounds.check(prefix + key, attrgetter(key)(config))


def unknown_key(key: str, known: Iterable[str], see: str) -> str:
    """The error line for an unknown key: offers the nearest, also by its last part (`batch`: `training.batch`).

    see: the command that lists the settings, offered when no key is similar.
    """
    known = list(known)
    below = [name for name in known if name.startswith(key + ".")]
    if below:
        return f"{key!r} is a section; write {key}.KEY=VALUE, as in {below[0]}=..."
    if dotted := [name for name in known if name.replace(".", "_") == key]:
        return f"unknown key {key!r}; did you mean {dotted[0]!r}?"
    leaf = key.rpartition(".")[2]
    same = [name for name in known if name.rpartition(".")[2] == leaf]
    if same:
        return f"unknown key {key!r}; did you mean {' or '.join(map(repr, same))}?"
    by_leaf = {name.rpartition(".")[2]: name for name in known}
    begun = [name for part, name in by_leaf.items() if len(leaf) > 2 and part.startswith(leaf)]
    if len(begun) == 1:
        return f"unknown key {key!r}; did you mean {begun[0]!r}?"
    for name, names in ((key, known if "." in key else ()), (leaf, by_leaf)):
        offer = re.fullmatch(r"did you mean '(.*)'\?", nearest(name, names))
        if offer:
            return f"unknown key {key!r}; did you mean {by_leaf.get(offer[1], offer[1])!r}?"
    return f"unknown key {key!r}; `{see}` lists all settings"


def _comments(schema: type) -> dict[str, str]:
    """The comment on each field's line, by field name, including those of base classes; {} without the source."""
    comments = {name: text for base in reversed(schema.__mro__[1:]) for name, text in _comments(base).items()}
    try:
        source = inspect.getsource(schema)
    except (OSError, TypeError):
        return comments
    first_of_line: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            first_of_line.setdefault(token.start[0], token.string)
        elif token.type == tokenize.COMMENT and token.start[0] in first_of_line:
            comments[first_of_line[token.start[0]]] = token.string.lstrip("# ")
    return comments
