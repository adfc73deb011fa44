"""Finding the installed domains and other extensions. The one file that imports `entrypoints`.

Everything that composegan or another package adds is an entry point of a group in `composegan.plugin.contracts`. One
that cannot be used (its import fails, it was made for another contract version, its metadata is unreadable) has its
error in its row and does not affect the others.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import entrypoints

from composegan.errors import UserError, nearest
from composegan.plugin.contracts import DOMAIN, KINDS, NAME, Kind
from composegan.plugin.domain import DomainPlugin, DomainSpec
from composegan.plugin.plugin_folder import Registered, code_folders, entries_of_folder, require_plugins

MAX_BYTES = 2**20
"""An entry_points.txt that is larger is nobody's list of entry points."""

_plugin_paths: list[Path] = []  # the folders of `add_plugin_path`


@dataclass(frozen=True)
class Found:
    """What some distribution registers: either its plugin, an object of the kind's contract, or why it is unusable."""

    name: str
    distribution: str
    version: str
    plugin: Any = None
    error: str | None = None
    kind: Kind = DOMAIN

    @property
    def home(self) -> str:
        """The distribution, with its version where it has one."""
        return f"{self.distribution} {self.version}".strip()

    @contextmanager
    def answering(self) -> Iterator[Any]:
        """The plugin. What its code raises while it is used is a UserError that names it and its distribution."""
        try:
            yield self.plugin
        except UserError:
            raise
        except Exception as error:
            where = f"{self.kind.word} {self.name!r} of {self.distribution}"
            raise UserError(f"{where} failed: {_one_line(error)}") from error


def discover(path: Sequence[str] | None = None, kind: Kind = DOMAIN) -> list[Found]:
    """Everything that is registered of a kind, sorted by name. `path` is the folders to look in; None: `sys.path`.

    Loads each plugin, but raises for none: what is wrong with one is its `error`.
    """
    registered = _registered(path, kind)
    return [_load(item, registered, kind) for item in registered]


def names(kind: Kind, path: Sequence[str] | None = None, own: bool = False) -> list[str]:
    """The registered names of a kind, usable or not, without loading any. own: only those that composegan registers."""
    return sorted({item.name for item in _registered(path, kind) if _is_own(item) or not own} - {"?"})


def add_plugin_path(folder: Path | str) -> None:
    """Look for plugins in a folder as well, from now on: one that is not installed, such as a checkout.

    It counts before an installed one of the same distribution. Worker processes inherit it with `sys.path`.
    Raises UserError when there is no such folder, or no plugin in it.
    """
    folder = Path(os.path.abspath(folder))
    require_plugins(folder, [kind.group for kind in KINDS])
    for place in map(str, reversed(code_folders(folder))):
        if place not in sys.path:
            sys.path.insert(0, place)
    if folder not in _plugin_paths:
        _plugin_paths.append(folder)


def load(name: str, path: Sequence[str] | None = None) -> DomainPlugin:
    """The plugin of a registered domain; no other plugin is loaded.

    Raises UserError for an unknown name (offering the nearest), and for a plugin that cannot be used (saying why,
    and of which distribution it is).
    """
    return require(name, DOMAIN, path).plugin


def require(name: str, kind: Kind, path: Sequence[str] | None = None) -> Found:
    """The row of something registered that can be used. Raises UserError as `load` does."""
    found = find(name, path, kind)
    if found.plugin is None:
        raise UserError(f"{kind.word} {name!r} of {found.distribution} cannot be used: {found.error}")
    return found


def find(name: str, path: Sequence[str] | None = None, kind: Kind = DOMAIN) -> Found:
    """The row of a registered name, usable or not. Raises UserError for an unknown name, offering the nearest."""
    registered = _registered(path, kind)
    if named := sorted((item for item in registered if item.name == name), key=lambda item: not _is_own(item)):
        return _load(named[0], registered, kind)
    offer = nearest(name, {*kind.own, *(item.name for item in registered)} - {"?"})
    if kind is not DOMAIN:
        raise UserError(f"{kind.setting}: no {kind.word} {name!r} is installed; {offer}")
    file = next((f"; for a file write domain=./{name}{end}" for end in ("", ".yaml") if Path(name + end).is_file()), "")
    raise UserError(f"no domain {name!r} is installed; {offer}{file}")


def _is_own(item: Registered) -> bool:
    """Whether composegan itself registers it: its names stay usable when another distribution registers them, too."""
    return _normalized(item.distribution) == "composegan"


def _load(item: Registered, registered: Sequence[Registered], kind: Kind) -> Found:
    def found(plugin: Any = None, error: str | None = None) -> Found:
        return Found(*map(_printable, (item.name, item.distribution, item.version)), plugin, error, kind)

    others = sorted({other.distribution for other in registered if other.name == item.name} - {item.distribution})
    if not _is_own(item):
        if any(map(_is_own, (other for other in registered if other.name == item.name))) or item.name in kind.own:
            return found(error=f"composegan has its own {item.name!r}; rename it in its entry points")
        if others:
            return found(
                error=f"{item.distribution} and {', '.join(others)} both register {item.name!r}; uninstall one"
            )
    if item.error:
        return found(error=item.error)
    if item.name != _printable(item.name):
        return found(error="its name has characters that cannot be printed; rename it in its entry points")
    if kind is not DOMAIN and not re.fullmatch(NAME, item.name):
        return found(error="its name cannot be written in a setting; letters, digits, - and _ are needed")
    try:
        plugin = entrypoints.EntryPoint.from_string(item.target, item.name).load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a plugin does at import, SystemExit included, is its own row
        return found(error=f"{_printable(item.target)}: {_one_line(error)}")
    if not isinstance(plugin, kind.contract):
        needed = f"{kind.contract.__module__}.{kind.contract.__name__}"
        return found(error=f"{item.target} is a {type(plugin).__name__}; a {needed} is needed")
    if plugin.api != kind.api:
        return found(error=f"made for version {plugin.api} of the {kind.word} contract; this composegan has {kind.api}")
    if kind is DOMAIN and not isinstance(plugin.spec, DomainSpec):
        return found(
            error=f"its spec is a {type(plugin.spec).__name__}; a composegan.plugin.domain.DomainSpec is needed"
        )
    if kind is DOMAIN and plugin.spec.name != item.name:
        return found(error=f"registered as {item.name!r}, but its domain is named {plugin.spec.name!r}; rename one")
    return found(plugin)


def _registered(path: Sequence[str] | None, kind: Kind) -> list[Registered]:
    """The entry points of the group, sorted by name; those of `add_plugin_path`'s folders where `path` is None.

    Of a distribution that is found more than once, one metadata folder counts: `dist-info` (installed) before
    `egg-info` (left in a checkout), then the earlier on the path.
    """
    own = [item for folder in _plugin_paths for item in entries_of_folder(folder, kind.group)] if path is None else []
    taken = {_normalized(item.distribution) for item in own}
    chosen: dict[str, Path] = {}
    for metadata in sorted(_metadata_folders(sys.path if path is None else path), key=lambda folder: folder.suffix):
        chosen.setdefault(_normalized(_distribution(metadata).name), metadata)
    items = {item for name, metadata in chosen.items() if name not in taken for item in _entries(metadata, kind.group)}
    return sorted([*own, *items], key=lambda item: (item.name, item.distribution, item.target))


def _metadata_folders(path: Sequence[str]) -> Iterator[Path]:
    """The metadata folders of all installed distributions, in the order of `path`."""
    seen = set()
    for folder in path:
        if not isinstance(folder, str) or (real := os.path.realpath(folder)) in seen:
            continue
        seen.add(real)
        try:
            names = sorted(os.listdir(real))
        except OSError:  # not there, a zip, or not ours to read
            continue
        yield from (Path(real, name) for name in names if name.endswith((".dist-info", ".egg-info")))


def _entries(metadata: Path, group: str) -> Iterator[Registered]:
    """The entry points of the group in one distribution's `entry_points.txt`.

    A file that cannot be parsed is an entry with an error if it speaks of the group, else nobody's business here.
    """
    file = metadata / "entry_points.txt"
    try:
        if not file.is_file() or file.stat().st_size > MAX_BYTES:  # nor a pipe, which would be waited for
            return
        content = file.read_bytes()
    except OSError:
        return
    if group.encode() not in content:
        return
    distribution, version = _distribution(metadata).name, _version(metadata)
    parser = entrypoints.CaseSensitiveConfigParser(delimiters=("=",), interpolation=None, default_section="")
    try:
        parser.read_string(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, configparser.Error) as error:
        yield Registered("?", "", distribution, version, f"{file} cannot be read: {_one_line(error)}")
        return
    for name, target in parser[group].items() if group in parser else ():
        yield Registered(name, target, distribution, version)


def _distribution(metadata: Path) -> entrypoints.Distribution:
    return entrypoints.Distribution.from_name_version(metadata.stem)


def _version(metadata: Path) -> str:
    """The version in the folder's name or, for the egg-info of a checkout, in its PKG-INFO; "" if in neither."""
    version = _distribution(metadata).version
    if version:
        return version.partition("-py")[0]
    try:
        found = re.search(r"^Version: (\S+)", (metadata / "PKG-INFO").read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return ""
    return found[1] if found else ""


def _normalized(distribution: str) -> str:
    """Names that differ only in case, `-`, `_` and `.` are one distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _printable(text: str) -> str:
    """Text with what would move a terminal's cursor or change its colours written as an escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _one_line(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # somebody's own class of errors
        text = "(an error without a text)"
    return _printable(" ".join(f"{type(error).__name__}: {text}".split()))
