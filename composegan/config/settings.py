"""The settings of a schema, flat: `data.height` with its type, default and help text. Standard library only."""

from __future__ import annotations

import inspect
import io
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

from composegan.errors import nearest


@dataclass(frozen=True)
class Setting:
    """One `key=value`. key: dotted, such as "data.height"; type: the annotation of the field."""

    key: str
    type: Any
    default: Any


@cache
def settings_of(schema: type, prefix: str = "") -> Mapping[str, Setting]:
    """Every setting of a dataclass and of the dataclasses in it, by dotted key, in order."""
    types, settings = get_type_hints(schema), {}
    for item in fields(schema):
        key, kind = prefix + item.name, types[item.name]
        if is_dataclass(kind):
            settings |= settings_of(kind, key + ".")
        else:
            default = item.default if item.default_factory is MISSING else item.default_factory()
            settings[key] = Setting(key, kind, default)
    return settings


@cache
def help_of(schema: type, prefix: str = "") -> Mapping[str, str]:
    """The help text of every setting by dotted key: the comment after the field. Empty where the source is missing."""
    types, comments, texts = get_type_hints(schema), _comments(schema), {}
    for item in fields(schema):
        key, kind = prefix + item.name, types[item.name]
        texts |= help_of(kind, key + ".") if is_dataclass(kind) else {key: comments.get(item.name, "")}
    return texts


def unknown_key(key: str, known: Iterable[str], see: str) -> str:
    """The line for a key that is no setting: offers the nearest, also by its last part (`batch`: `training.batch`).

    see: the command that lists the settings, offered when nothing is near.
    """
    known = list(known)
    below = [name for name in known if name.startswith(key + ".")]
    if below:
        return f"{key!r} is a section; write {key}.KEY=VALUE, as in {below[0]}=..."
    leaf = key.rpartition(".")[2]
    same = [name for name in known if name.rpartition(".")[2] == leaf]
    if same:
        return f"unknown key {key!r}; did you mean {' or '.join(map(repr, same))}?"
    by_leaf = {name.rpartition(".")[2]: name for name in known}
    for name, names in ((key, known if "." in key else ()), (leaf, by_leaf)):
        offer = re.fullmatch(r"did you mean '(.*)'\?", nearest(name, names))
        if offer:
            return f"unknown key {key!r}; did you mean {by_leaf.get(offer[1], offer[1])!r}?"
    return f"unknown key {key!r}; `{see}` lists what there is"


def _comments(schema: type) -> dict[str, str]:
    """The comment on each field's line, by field name; those of the classes it is made from as well."""
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
