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
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from composegan.errors import UserError, nearest
from composegan.plugin import entry_points, plugin_folder
from composegan.plugin.contracts import DOMAIN, KINDS, NAME, Kind
from composegan.plugin.domain import DomainPlugin, DomainSpec, SemanticClass
from composegan.plugin.entry_points import LONGEST, OWN, normalized, one_line
from composegan.plugin.plugin_folder import Registered
from composegan.runtime.console import printable

_plugin_paths: list[Path] = []  # the folders of `add_plugin_path`


@dataclass(frozen=True)
class Found:
    """An entry point: its plugin, an object of the kind's contract, or the error that makes it unusable.

    A row of a listing has neither plugin nor error if it can be used; classes: the number of a domain's classes there.
    """

    name: str
    distribution: str
    version: str
    plugin: Any = None
    error: str | None = None
    kind: Kind = DOMAIN
    classes: int | None = None

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
        except (Exception, SystemExit) as error:
            where = f"{self.kind.word} {self.name!r} of {self.distribution}"
            raise UserError(f"{where} failed: {one_line(error)}") from error

    def with_settings(self, settings: Any) -> Found:
        """The same with an instance of the plugin's settings bound to its functions; None: it has no settings."""
        if settings is None:
            return self
        functions = {name: getattr(self.plugin, name) for name in self.plugin.CONFIGURED}
        bound = {name: partial(function, settings=settings) for name, function in functions.items() if function}
        return replace(self, plugin=replace(self.plugin, **bound))


def names(kind: Kind, path: Sequence[str] | None = None, own: bool = False) -> list[str]:
    """The registered names of a kind, usable or not, without loading any. own: only those that composegan registers."""
    return sorted({item.name for item in _registered(kind, path) if is_own_entry(item) or not own} - {"?"})


def is_own(name: str, kind: Kind) -> bool:
    """Whether composegan itself registers the name."""
    return any(item.name == name and is_own_entry(item) for item in _registered(kind, None))


def home(name: str, kind: Kind = DOMAIN) -> str:
    """The distribution that registers a name, and its version, without loading it; "" if none does."""
    found = (row for row, item in registered(kind) if row.name == name and not row.error)
    return next((row.home for row in found), "")


def registered(kind: Kind = DOMAIN, path: Sequence[str] | None = None) -> list[tuple[Found, Registered]]:
    """Everything that is registered of a kind, not loaded, sorted by name: its row, and how to load it.

    A row has an `error` where the metadata show that it cannot be used. path: folders to search; None: `sys.path`.
    """
    items = _registered(kind, path)
    return [(_row(item, kind, item.error or _name_error(item, items, kind)), item) for item in items]


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
    rows = registered(kind, path)
    if same := [(row, item) for row, item in rows if item.name == name]:
        row, item = min(same, key=lambda pair: (not is_own_entry(pair[1]), pair[0].error is not None))
        return row if row.error else load_item(item, kind)
    offer = nearest(name, {item.name for _, item in rows} - {"?"})
    if kind is DOMAIN:
        files = (f"./{name}{suffix}" for suffix in ("", ".yaml") if Path(name + suffix).is_file())
        file = next(files, "./FILE.yaml" if offer.startswith("there are") else "")
        more = [f"for a file write domain={file}"] * bool(file)
        if (folder := Path(f"composegan-{name.replace('_', '-')}")).is_dir():
            more += [f"for the plug-in in {folder}/ add plugin_path={folder}"]
        raise UserError("; ".join([f"no domain {name!r} is installed; {offer}", *more]))
    stale = "" if any(is_own_entry(item) for _, item in rows) else "; after an update of composegan, install it again"
    where = f"{kind.setting}: " * bool(kind.setting)
    raise UserError(f"{where}no {kind.word} {name!r} is installed; {offer}{stale * (path is None)}")


def add_plugin_path(folder: Path | str) -> None:
    """Search a folder as well from now on: a plug-in that is not installed, such as a checkout.

    Its entry points replace those of an installed distribution of the same name. Its modules come after all others, so
    that it cannot replace any. Worker processes inherit it with `sys.path`.
    Raises UserError if the folder does not exist or registers nothing.
    """
    folder = Path(os.path.abspath(folder))
    plugin_folder.require_plugins(folder, [kind.group for kind in KINDS])
    sys.path += [place for place in map(str, plugin_folder.code_folders(folder)) if place not in sys.path]
    if folder not in _plugin_paths:
        _plugin_paths.append(folder)


def _registered(kind: Kind, path: Sequence[str] | None) -> list[Registered]:
    """The entry points of a kind, sorted by name; with those of `add_plugin_path` if `path` is None."""
    folders = _plugin_paths if path is None else []
    found = (item for folder in folders for item in plugin_folder.entries_of_folder(folder, kind.group))
    items = [item for item in found if not is_own_entry(item)]
    taken = {normalized(item.distribution) for item in items}
    installed = entry_points.entries_on_path(sys.path if path is None else path, kind.group)
    items += {item for item in installed if is_own_entry(item) or normalized(item.distribution) not in taken}
    return sorted(items, key=lambda item: (item.name, item.distribution, item.target))


def is_own_entry(item: Registered) -> bool:
    """Whether an entry point is one of composegan's own."""
    return normalized(item.distribution) == OWN and (item.target.startswith(f"{OWN}.") or item.error is not None)


def _row(item: Registered, kind: Kind, error: str | None = None, plugin: Any = None) -> Found:
    name, distribution, version = (printable(text)[:LONGEST] for text in (item.name, item.distribution, item.version))
    return Found(name, distribution, version, plugin, error, kind)


def load_item(item: Registered, kind: Kind) -> Found:
    """The row of an entry point, imported, or with the error that makes it unusable."""
    if place := plugin_folder.module_elsewhere(item):
        name = item.target.partition(":")[0]
        return _row(item, kind, f"{item.folder}: its module {name} is not used, but {place}; rename or uninstall one")
    try:
        with _exit_raises():
            plugin = _plain(entry_points.load(item), kind)
        wrong = _contract_error(item, plugin, kind)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # anything may happen during an import, SystemExit included
        cause = entry_points.not_text(sys.path) if isinstance(error, UnicodeDecodeError) else None
        return _row(item, kind, cause or f"{printable(item.target)}: {one_line(error)}")
    return _row(item, kind, wrong, None if wrong else plugin)


@contextmanager
def _exit_raises() -> Iterator[None]:
    """Within the block, `os._exit` raises SystemExit: otherwise a plugin could end a command with status 0."""
    leave, process = os._exit, os.getpid()

    def refuse(status: int) -> NoReturn:
        if os.getpid() != process:  # a fork
            leave(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = refuse
    try:
        yield
    finally:
        os._exit = leave


def _plain(plugin: Any, kind: Kind) -> Any:
    """A plugin of a subclass of its contract as one of the contract itself, whose attributes are plain values.

    Raises whatever the subclass raises.
    """
    plugin = _rebuilt(plugin, kind.contract)
    if type(plugin) is not DomainPlugin:
        return plugin
    spec = _rebuilt(plugin.spec, DomainSpec)
    if type(spec) is DomainSpec and {SemanticClass} != set(map(type, spec.classes)):
        spec = replace(spec, classes=tuple(_rebuilt(item, SemanticClass) for item in spec.classes))
    return plugin if spec is plugin.spec else replace(plugin, spec=spec)


def _rebuilt(value: Any, kind: Any) -> Any:
    if type(value) is kind or not issubclass(type(value), kind):
        return value
    return kind(**{item.name: getattr(value, item.name) for item in fields(kind)})


def _name_error(item: Registered, registered: Sequence[Registered], kind: Kind) -> str | None:
    """Why the name of an entry point cannot be used; None if it can."""
    same = [other for other in registered if other.name == item.name]
    if normalized(item.distribution) == OWN and not is_own_entry(item):
        return f"{OWN} is the name of this package; rename the distribution"
    if not is_own_entry(item) and (any(map(is_own_entry, same)) or item.name in kind.reserved):
        return f"composegan has its own {item.name!r}; rename it in its entry points"
    others = sorted({other.distribution for other in same if not other.error} - {item.distribution})
    if others and not is_own_entry(item):
        return f"{item.distribution} and {', '.join(others)} both register {item.name!r}; uninstall one"
    if item.name != printable(item.name):
        return "its name has characters that cannot be printed; rename it in its entry points"
    if kind is not DOMAIN and not re.fullmatch(NAME, item.name):
        return "its name cannot be written in a setting; letters, digits, - and _ are needed"
    return None


def _contract_error(item: Registered, plugin: Any, kind: Kind) -> str | None:
    """What is wrong with a loaded plugin; None if it can be used."""
    contract: Any = kind.contract
    if type(plugin) is not contract:
        return f"{item.target} is a {type(plugin).__name__}; a composegan.plugin.{contract.__name__} is needed"
    if plugin.api != kind.api:
        return f"made for version {plugin.api} of the {kind.word} contract; this composegan has {kind.api}"
    if kind is DOMAIN and type(plugin.spec) is not DomainSpec:
        return f"its spec is a {type(plugin.spec).__name__}; a composegan.plugin.DomainSpec is needed"
    if kind is DOMAIN and plugin.spec.name != item.name:
        return f"registered as {item.name!r}, but its domain is named {plugin.spec.name!r}; rename one"
    return None
