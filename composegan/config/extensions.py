"""The extensions that settings name, and the settings of those: `training.loss.NAME.key=value`.

A dataclass with a field that names extensions (`composegan.plugin.fields.extension`) has a field `extensions` as well,
which maps "FIELD.NAME.KEY" to values: {"loss.relativistic.margin": 0.5} in `TrainingConfig`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from composegan.config.arguments import split_arguments
from composegan.config.merge import merge, values_of
from composegan.config.settings import check_bounds, settings_of
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.contracts import Kind
from composegan.plugin.registry import Found


def extension(section: Any, field: str, name: str = "") -> Found:
    """The extension that a field of a settings dataclass names, with its settings.

    name: which one, for a field that names several. Raises UserError if it is not installed or cannot be used.
    """
    kind = settings_of(type(section))[field].kind
    assert kind is not None, f"{field} names no extension"
    found = registry.require(name or kind.named(getattr(section, field))[0], kind)
    return found.with_settings(_settings(found, section.extensions, f"{field}.{found.name}."))


def used_extensions(config: Any) -> list[Found]:
    """The extensions of other packages that the settings name. Raises UserError for one that cannot be used."""
    return [
        registry.require(name, kind)
        for kind, names in _naming(config)
        for name in names
        if not registry.is_own(name, kind)
    ]


def resolve_extensions(config: Any, given: Collection[str] = ()) -> None:
    """Convert the settings of every named extension to their types and fill in their defaults, in place.

    Settings of extensions that are not named are dropped. given: keys of the command line, for which that is an error.
    Raises UserError for an unusable extension, an unknown key, and a value of the wrong type or out of bounds.
    """
    resolved: dict[str, dict[str, Any]] = {}
    for kind, names in _naming(config):
        section, dot, field = kind.setting.rpartition(".")
        values = resolved.setdefault(section, {})
        raw = attrgetter(f"{section}{dot}extensions")(config)
        for name in names:
            prefix = f"{field}.{name}."
            if registry.is_own(name, kind) and not any(key.startswith(prefix) for key in raw):
                continue  # composegan's own are loaded where they are used
            found = registry.require(name, kind)
            settings = _settings(found, raw, prefix, section + dot)
            values |= values_of(settings, prefix) if settings is not None else {}
        for key in raw:
            if f"{section}{dot}{key}" in given and key not in values and key.startswith(field + "."):
                raise UserError(f"{section}{dot}{key}: {kind.setting} does not name that {kind.word}")
    for section, values in resolved.items():
        (attrgetter(section)(config) if section else config).extensions = values


def extension_schemas(schema: type, arguments: Sequence[str]) -> Iterator[tuple[str, type]]:
    """(prefix of the keys, dataclass) for the settings of the extensions that `key=value` arguments name.

    Raises UserError for one that cannot be used.
    """
    given = dict(split_arguments(arguments))
    if path := given.get("plugin_path"):
        registry.add_plugin_path(os.path.expanduser(path))
    for key, setting in settings_of(schema).items():
        if (kind := setting.kind) and key in given:
            for name in kind.named(given[key]):
                if settings := registry.require(name, kind).plugin.settings:
                    yield f"{key}.{name}.", settings


def _naming(config: Any) -> Iterator[tuple[Kind, list[str]]]:
    """(kind, names) for each setting that names extensions. The kind's `setting` is that setting's key."""
    for key, setting in settings_of(type(config)).items():
        if kind := setting.kind:
            yield replace(kind, setting=key), kind.named(attrgetter(key)(config))


def _settings(found: Found, values: dict[str, Any], prefix: str, above: str = "") -> Any:
    """An instance of an extension's settings, from the `values` whose keys begin with `prefix`; None if it has none.

    above: what the section's keys begin with on the command line.
    """
    pairs = [(above + key, value) for key, value in values.items() if key.startswith(prefix)]
    if found.plugin.settings is None:
        if pairs:
            raise UserError(f"{pairs[0][0]}: {found.kind.word} {found.name!r} has no settings")
        return None
    see = f"composegan fit {found.kind.setting}={found.name} --help"
    with found.use():
        settings = merge(found.plugin.settings, [("", pairs)], see=see, prefix=above + prefix)
        check_bounds(settings, above + prefix)
    return settings
