"""Entry points in the metadata of installed distributions. Nothing is imported here but what `load` is asked for.

The one file that imports `entrypoints`. Metadata is read one file at a time, so that a damaged file of one distribution
does not hide the others.
"""

from __future__ import annotations

import configparser
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import entrypoints

from composegan.io.guarded import check_file, read_text
from composegan.plugin.plugin_folder import Registered
from composegan.runtime.console import printable

OWN = "composegan"
"""The distribution of this package, whose names no other can take."""

MAX_BYTES = 2**20
"""A larger entry_points.txt is not read."""

LONGEST = 300
"""Longest text of an error, in characters; the rest is left out."""

HOME = Path(__file__).resolve().parents[2]
"""The folder that contains the running composegan package."""

SETTLED = 2 * 10**9
"""Nanoseconds since a folder last changed after which its listing is cached: file systems give two changes within a few
milliseconds, or on some within two seconds, the same time."""


@dataclass(frozen=True)
class _Distribution:
    """One metadata folder of a distribution. name: normalized; order: the least of one name counts; relevant: whether
    its `entry_points.txt` mentions composegan.
    """

    metadata: Path
    name: str
    order: tuple[bool, str]
    relevant: bool


_listed: dict[str, tuple[int, list[_Distribution]]] = {}  # by folder: when it last changed, and what is in it


def load(item: Registered) -> Any:
    """Import the object that an entry point refers to. Raises whatever its import raises."""
    return entrypoints.EntryPoint.from_string(item.target, item.name).load()


def entries_on_path(path: Sequence[Any], group: str) -> Iterator[Registered]:
    """The entry points of a group in all distributions on a path such as `sys.path`.

    Of a distribution that is found more than once, one metadata folder counts: `dist-info` (installed) before
    `egg-info` (left in a checkout), then the first on the path. Of composegan, that of the code that is running.
    """
    found = [item for folder in _folders(path) for item in _distributions(folder)]
    chosen: dict[str, _Distribution] = {}
    for item in sorted(found, key=attrgetter("order")):
        chosen.setdefault(item.name, item)
    for item in chosen.values():
        if item.relevant:
            yield from _entries(item.metadata, group)


def normalized(distribution: str) -> str:
    """The name of a distribution without its case and with `-` for `-`, `_` and `.` (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def one_line(error: BaseException) -> str:
    """The type and text of an error in one printable line of at most LONGEST characters. Does not raise."""
    try:
        text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    except BaseException:  # the error class of a plug-in
        text = "an error whose text cannot be had"
    return printable(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


def not_text(path: Sequence[Any]) -> str | None:
    """A line about the first `entry_points.txt` on a path that is not UTF-8 text; None: all are.

    With such a file nothing can be imported that asks importlib.metadata for entry points, torch included.
    """
    for metadata in _metadata_folders(path):
        file = metadata / "entry_points.txt"
        try:
            check_file(file, MAX_BYTES)
            file.read_bytes().decode()
        except UnicodeDecodeError:
            return f"{file}: is not UTF-8 text, so torch cannot be imported; reinstall {_named(metadata).name}"
        except (OSError, ValueError):
            continue
    return None


def _folders(path: Iterable[Any]) -> Iterator[str]:
    """The folders of a path such as `sys.path`, without links and duplicates."""
    seen = set()
    for folder in path:
        if isinstance(folder, str) and (real := os.path.realpath(folder)) not in seen:
            seen.add(real)
            yield real


def _distributions(folder: str) -> list[_Distribution]:
    """The distributions whose metadata is in a folder. The list is cached until the folder changes."""
    try:
        changed = os.stat(folder).st_mtime_ns
    except OSError:
        return []
    if folder in _listed and _listed[folder][0] == changed:
        return _listed[folder][1]
    settled = time.time_ns() - changed > SETTLED
    found = [
        _Distribution(file, normalized(_named(file).name), (not _is_running(file), file.suffix), _is_relevant(file))
        for file in _metadata_folders([folder])
    ]
    if settled:
        _listed[folder] = changed, found
    return found


def _metadata_folders(path: Iterable[Any]) -> Iterator[Path]:
    """The metadata folders of all distributions, in the order of `path`."""
    for folder in _folders(path):
        try:
            names = sorted(os.listdir(folder))
        except OSError:  # missing, a zip, or not readable
            continue
        yield from (Path(folder, name) for name in names if name.endswith((".dist-info", ".egg-info")))


def _is_relevant(metadata: Path) -> bool:
    content = _content(metadata / "entry_points.txt")
    return content is not None and f"{OWN}.".encode() in content


def _content(file: Path) -> bytes | None:
    """The content of an `entry_points.txt`; None if there is none that can be read."""
    try:
        check_file(file, MAX_BYTES)
        return file.read_bytes()
    except (OSError, ValueError):
        return None


def _entries(metadata: Path, group: str) -> Iterator[Registered]:
    """The entry points of the group in one distribution's `entry_points.txt`.

    A file that cannot be parsed gives entries with an error, one for each name that seems to be in the group; it is
    ignored if it does not mention the group.
    """
    file = metadata / "entry_points.txt"
    content = _content(file)
    if content is None or group.encode() not in content:
        return
    distribution, version = _named(metadata).name, _version(metadata)
    try:
        entries = _parsed(content).get(group, {})
    except (UnicodeDecodeError, configparser.Error) as error:
        reason = one_line(error).replace("While reading from '<string>' ", "")
        error_line = f"{file}: cannot be read ({reason}); reinstall {distribution}"
        for name in _visible_names(content.decode("utf-8-sig", "replace"), group) or ["?"]:
            yield Registered(name, "", distribution, version, error_line)
        return
    for name, target in entries.items():
        yield Registered(name, target, distribution, version)


@lru_cache(maxsize=32)
def _parsed(content: bytes) -> dict[str, dict[str, str]]:
    """The sections of an `entry_points.txt`. Raises UnicodeDecodeError and configparser.Error."""
    parser = entrypoints.CaseSensitiveConfigParser(delimiters=("=",), interpolation=None, default_section="")
    parser.read_string(content.decode("utf-8-sig"))
    return {section: dict(parser[section]) for section in parser.sections()}


def _visible_names(text: str, group: str) -> list[str]:
    """What stands before a `=` in a section of a file that cannot be parsed."""
    found = re.search(rf"^\[{re.escape(group)}\][^\n]*\n([^\[]*)", text, re.MULTILINE)
    lines = found[1].splitlines() if found else []
    return list(dict.fromkeys(line.partition("=")[0].strip() for line in lines if "=" in line))


def _is_running(metadata: Path) -> bool:
    """Whether a metadata folder is that of the running composegan: beside it, or of an editable install of it."""
    if normalized(_named(metadata).name) != OWN:
        return False
    return metadata.parent == HOME or f'"{HOME.as_uri()}"' in _text(metadata / "direct_url.json")


def _text(file: Path) -> str:
    """The text of a small file; "" if it cannot be read."""
    try:
        return read_text(file)
    except (OSError, ValueError):
        return ""


def _named(metadata: Path) -> entrypoints.Distribution:
    return entrypoints.Distribution.from_name_version(metadata.stem)


def _version(metadata: Path) -> str:
    """The version in the folder's name or, for the egg-info of a checkout, in its PKG-INFO; "" if in neither."""
    if version := _named(metadata).version:
        return version.partition("-py")[0]
    found = re.search(r"^Version: (\S+)", _text(metadata / "PKG-INFO"), re.MULTILINE)
    return found[1] if found else ""
