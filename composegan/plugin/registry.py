"""The registry of domains and extensions: what is installed, by kind and name.

Everything that composegan or another package adds is an entry point of a group in `composegan.plugin.contracts`. One
that cannot be used (its import fails, it was made for another contract version, its metadata is unreadable) has its
error in its row and does not affect the others.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from composegan.errors import UserError, nearest
from composegan.plugin import entry_points
from composegan.plugin.contracts import DOMAIN, KINDS, NAME, Kind
from composegan.plugin.domain import DomainPlugin, DomainSpec
from composegan.plugin.entry_points import normalized, one_line, printable
from composegan.plugin.plugin_folder import Registered, code_folders, entries_of_folder, require_plugins

OWN = "composegan"
"""The distribution whose names stay usable when another one registers them as well."""

_plugin_paths: list[Path] = []  # the folders of `add_plugin_path`


@dataclass(frozen=True)
class Found:
    """An entry point with either its plugin, an object of the kind's contract, or the error that makes it unusable."""

    name: str
    distribution: str
    version: str
    plugin: Any = None
    error: str | None = None
    kind: Kind = DOMAIN

    @property
    def home(self) -> str:
        """The distribution and its version, if known."""
        return f"{self.distribution} {self.version}".strip()

    @contextmanager
    def use(self) -> Iterator[Any]:
        """The plugin. Within the block, an error that its code raises becomes a UserError naming the distribution."""
        try:
            yield self.plugin
        except UserError:
            raise
        except Exception as error:
            where = f"{self.kind.word} {self.name!r} of {self.distribution}"
            raise UserError(f"{where} failed: {one_line(error)}") from error

    def with_settings(self, settings: Any) -> Found:
        """The same with an instance of the plugin's settings bound to its functions; None: it has no settings."""
        if settings is None:
            return self
        functions = {name: getattr(self.plugin, name) for name in self.plugin.CONFIGURED}
        bound = {name: partial(function, settings=settings) for name, function in functions.items() if function}
        return replace(self, plugin=replace(self.plugin, **bound))


def discover(kind: Kind = DOMAIN, path: Sequence[str] | None = None) -> list[Found]:
    """Everything that is registered of a kind, loaded and sorted by name. path: folders to search; None: `sys.path`.

    Does not raise: a plugin that cannot be used has an `error`.
    """
    registered = _registered(kind, path)
    return [_load(item, registered, kind) for item in registered]


def names(kind: Kind, path: Sequence[str] | None = None, own: bool = False) -> list[str]:
    """The registered names of a kind, usable or not, without loading any. own: only those that composegan registers."""
    return sorted({item.name for item in _registered(kind, path) if _is_own(item) or not own} - {"?"})


def is_own(name: str, kind: Kind) -> bool:
    """Whether composegan itself registers the name."""
    return any(item.name == name and _is_own(item) for item in _registered(kind, None))


def load(name: str, path: Sequence[str] | None = None) -> DomainPlugin:
    """The plugin of a registered domain; no other plugin is loaded.

    Raises UserError for an unknown name (offering the nearest), and for a plugin that cannot be used (giving the reason
    and the distribution).
    """
    return require(name, DOMAIN, path).plugin


def require(name: str, kind: Kind, path: Sequence[str] | None = None) -> Found:
    """The row of a registered name that can be used. Raises UserError as `load` does."""
    found = find(name, kind, path)
    if found.plugin is None:
        raise UserError(f"{kind.word} {name!r} of {found.distribution} cannot be used: {found.error}")
    return found


def find(name: str, kind: Kind = DOMAIN, path: Sequence[str] | None = None) -> Found:
    """The row of a registered name, usable or not. Raises UserError for an unknown name, offering the nearest."""
    registered = _registered(kind, path)
    if rows := [item for item in registered if item.name == name]:
        return _load(next(filter(_is_own, rows), rows[0]), registered, kind)
    offer = nearest(name, {item.name for item in registered} - {"?"})
    if kind is DOMAIN:
        files = (f"./{name}{suffix}" for suffix in ("", ".yaml") if Path(name + suffix).is_file())
        raise UserError("; for a file write domain=".join([f"no domain {name!r} is installed; {offer}", *files][:2]))
    stale = "" if any(map(_is_own, registered)) else "; after an update of composegan, install it again"
    raise UserError(f"{kind.setting}: no {kind.word} {name!r} is installed; {offer}{stale * (path is None)}")


def add_plugin_path(folder: Path | str) -> None:
    """Search a folder as well from now on: a plug-in that is not installed, such as a checkout.

    It takes precedence over an installed distribution of the same name. Worker processes inherit it with `sys.path`.
    Raises UserError if the folder does not exist or registers nothing.
    """
    folder = Path(os.path.abspath(folder))
    require_plugins(folder, [kind.group for kind in KINDS])
    for place in map(str, reversed(code_folders(folder))):
        if place not in sys.path:
            sys.path.insert(0, place)
    if folder not in _plugin_paths:
        _plugin_paths.append(folder)


def _registered(kind: Kind, path: Sequence[str] | None) -> list[Registered]:
    """The entry points of a kind, sorted by name; with those of `add_plugin_path` if `path` is None."""
    folders = _plugin_paths if path is None else []
    items = [item for folder in folders for item in entries_of_folder(folder, kind.group)]
    taken = {normalized(item.distribution) for item in items}
    installed = entry_points.entries_on_path(sys.path if path is None else path, kind.group)
    items += {item for item in installed if normalized(item.distribution) not in taken}
    return sorted(items, key=lambda item: (item.name, item.distribution, item.target))


def _is_own(item: Registered) -> bool:
    return normalized(item.distribution) == OWN


def _load(item: Registered, registered: Sequence[Registered], kind: Kind) -> Found:
    """The row of an entry point. registered: all of its kind, which may claim the same name."""

    def row(plugin: Any = None, error: str | None = None) -> Found:
        name, distribution, version = map(printable, (item.name, item.distribution, item.version))
        return Found(name, distribution, version, plugin, error, kind)

    if wrong := item.error or _name_error(item, registered, kind):
        return row(error=wrong)
    try:
        plugin = entry_points.load(item)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # anything may happen during an import, SystemExit included
        return row(error=f"{printable(item.target)}: {one_line(error)}")
    wrong = _contract_error(item, plugin, kind)
    return row(error=wrong) if wrong else row(plugin)


def _name_error(item: Registered, registered: Sequence[Registered], kind: Kind) -> str | None:
    """Why the name of an entry point cannot be used; None if it can."""
    same = [other for other in registered if other.name == item.name]
    if not _is_own(item) and (any(map(_is_own, same)) or item.name in kind.reserved):
        return f"composegan has its own {item.name!r}; rename it in its entry points"
    others = sorted({other.distribution for other in same} - {item.distribution})
    if others and not _is_own(item):
        return f"{item.distribution} and {', '.join(others)} both register {item.name!r}; uninstall one"
    if item.name != printable(item.name):
        return "its name has characters that cannot be printed; rename it in its entry points"
    if kind is not DOMAIN and not re.fullmatch(NAME, item.name):
        return "its name cannot be written in a setting; letters, digits, - and _ are needed"
    return None


def _contract_error(item: Registered, plugin: Any, kind: Kind) -> str | None:
    """What is wrong with a loaded plugin; None if it can be used."""
    contract: Any = kind.contract
    if not isinstance(plugin, contract):
        return f"{item.target} is a {type(plugin).__name__}; a composegan.plugin.{contract.__name__} is needed"
    if plugin.api != kind.api:
        return f"made for version {plugin.api} of the {kind.word} contract; this composegan has {kind.api}"
    if kind is DOMAIN and not isinstance(plugin.spec, DomainSpec):
        return f"its spec is a {type(plugin.spec).__name__}; a composegan.plugin.DomainSpec is needed"
    if kind is DOMAIN and plugin.spec.name != item.name:
        return f"registered as {item.name!r}, but its domain is named {plugin.spec.name!r}; rename one"
    return None
