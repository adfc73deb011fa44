"""A typed configuration from layers of `key=value` pairs: defaults, a recipe or a file, the command line.

The one file that uses OmegaConf.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast

from omegaconf import DictConfig, OmegaConf

from composegan.config.settings import Setting, settings_of, unknown_key
from composegan.config.values import convert
from composegan.errors import UserError

Schema = TypeVar("Schema")

Layer = tuple[str, Iterable[tuple[str, Any]]]
"""Where settings come from (the beginning of an error line), and (dotted key, value) pairs."""


def merge(
    schema: type[Schema], layers: Iterable[Layer], *, see: str, base: Schema | None = None, prefix: str = ""
) -> Schema:
    """An instance of `schema`: its defaults (or `base`), overridden by each layer in turn.

    A key below a setting that names an extension (`training.loss.NAME.key`) goes into the section's `extensions`
    unchanged; see `composegan.config.extensions`. see: the command that lists the settings; prefix: what all keys begin
    with. Raises UserError for an unknown key or a value of the wrong type.
    """
    settings = settings_of(schema, prefix)
    tree = OmegaConf.structured(schema if base is None else base)
    for where, pairs in layers:
        for key, value in pairs:
            try:
                _assign(tree, settings, key, value, see, prefix)
            except UserError as error:
                raise UserError(f"{where}{error}") from error
    return cast(Schema, OmegaConf.to_object(tree))


def values_of(config: Any, prefix: str = "") -> dict[str, Any]:
    """The values of a settings dataclass and of the dataclasses in it by dotted key, copied."""
    values: dict[str, Any] = {}
    for item in fields(config):
        value = getattr(config, item.name)
        values |= values_of(value, f"{prefix}{item.name}.") if is_dataclass(value) else {prefix + item.name: value}
    return copy.deepcopy(values)


def flat(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) pairs of nested mappings."""
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _assign(tree: DictConfig, settings: Mapping[str, Setting], key: str, value: Any, see: str, prefix: str) -> None:
    whole = re.sub(r"(\.[0-9]{1,4})+$", "", key)  # `grouping.0` is an item of the list `grouping`
    setting = settings.get(key) or settings.get(whole)
    if setting is None:
        _assign_below(tree, settings, key, value, see, prefix)
        return
    try:
        value = convert(value, setting.type)
    except ValueError as error:
        raise UserError(f"{key}: {error}") from error
    if setting.key != key:
        above, _, index = key.removeprefix(prefix).rpartition(".")
        items = OmegaConf.select(tree, above)
        if not OmegaConf.is_list(items) or int(index) >= len(items):
            given = OmegaConf.select(tree, whole.removeprefix(prefix))
            raise UserError(f"{key}: {whole} is {given}, which has no such item")
    OmegaConf.update(tree, key.removeprefix(prefix), value, merge=False)


def _assign_below(
    tree: DictConfig, settings: Mapping[str, Setting], key: str, value: Any, see: str, prefix: str
) -> None:
    """Keep a setting of an extension; raise UserError for any other unknown key."""
    above = next((setting for setting in settings.values() if key.startswith(setting.key + ".")), None)
    if above is None:
        raise UserError(unknown_key(key, settings, see))
    if above.kind is None or key.count(".") < above.key.count(".") + 2:
        raise UserError(f"{above.key} has no {key!r}; it is a value")
    if isinstance(value, str) and "${" in value:
        raise UserError(f"{key}: {value!r} is not expanded; write the value itself")
    section, dot, _ = above.key.rpartition(".")
    place = f"{section}{dot}extensions".removeprefix(prefix)
    OmegaConf.select(tree, place)[key.removeprefix(section + dot)] = value  # a name with dots, as it is
