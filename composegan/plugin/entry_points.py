"""Entry points in the metadata of installed distributions. Nothing is imported here but what `load` is asked for.

The one file that imports `entrypoints`. Metadata is read one file at a time, so that a damaged file of one distribution
does not hide the others.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import entrypoints

from composegan.plugin.plugin_folder import Registered

MAX_BYTES = 2**20
"""A larger entry_points.txt is not read."""


def load(item: Registered) -> Any:
    """Import the object that an entry point refers to. Raises whatever its import raises."""
    return entrypoints.EntryPoint.from_string(item.target, item.name).load()


def entries_on_path(path: Sequence[Any], group: str) -> Iterator[Registered]:
    """The entry points of a group in all distributions on a path such as `sys.path`.

    Of a distribution that is found more than once, one metadata folder counts: `dist-info` (installed) before
    `egg-info` (left in a checkout), then the first on the path.
    """
    chosen: dict[str, Path] = {}
    for metadata in sorted(_metadata_folders(path), key=lambda folder: folder.suffix):
        chosen.setdefault(normalized(_distribution(metadata).name), metadata)
    for metadata in chosen.values():
        yield from _entries(metadata, group)


def normalized(distribution: str) -> str:
    """The name of a distribution without its case and with `-` for `-`, `_` and `.` (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def printable(text: str) -> str:
    """Text with escapes in place of characters that would move a terminal's cursor or change its colours."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def one_line(error: BaseException) -> str:
    """The type and text of an error in one printable line."""
    try:
        text = str(error)
    except Exception:  # the error class of a plug-in
        text = "(an error without a text)"
    return printable(" ".join(f"{type(error).__name__}: {text}".split()))


def _metadata_folders(path: Iterable[Any]) -> Iterator[Path]:
    """The metadata folders of all distributions, in the order of `path`."""
    seen = set()
    for folder in path:
        if not isinstance(folder, str) or (real := os.path.realpath(folder)) in seen:
            continue
        seen.add(real)
        try:
            names = sorted(os.listdir(real))
        except OSError:  # missing, a zip, or not readable
            continue
        yield from (Path(real, name) for name in names if name.endswith((".dist-info", ".egg-info")))


def _entries(metadata: Path, group: str) -> Iterator[Registered]:
    """The entry points of the group in one distribution's `entry_points.txt`.

    A file that cannot be parsed is an entry with an error if it mentions the group, and ignored otherwise.
    """
    file = metadata / "entry_points.txt"
    try:
        if not file.is_file() or file.stat().st_size > MAX_BYTES:  # a pipe would block
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
        yield Registered("?", "", distribution, version, f"{file} cannot be read: {one_line(error)}")
        return
    for name, target in parser[group].items() if group in parser else ():
        yield Registered(name, target, distribution, version)


def _distribution(metadata: Path) -> entrypoints.Distribution:
    return entrypoints.Distribution.from_name_version(metadata.stem)


def _version(metadata: Path) -> str:
    """The version in the folder's name or, for the egg-info of a checkout, in its PKG-INFO; "" if in neither."""
    if version := _distribution(metadata).version:
        return version.partition("-py")[0]
    try:
        found = re.search(r"^Version: (\S+)", (metadata / "PKG-INFO").read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return ""
    return found[1] if found else ""
