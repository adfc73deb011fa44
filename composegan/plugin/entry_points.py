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


def load(item: Registered) -> Any:
    """Import the object that an entry point refers to. Raises whatever its import raises."""
    return entrypoints.EntryPoint.from_string(item.target, item.name).load()


def entries_on_path(path: Sequence[Any], group: str) -> Iterator[Registered]:
    """The entry points of a group in all distributions on a path such as `sys.path`.

    Of a distribution that is found more than once, one metadata folder counts: `dist-info` (installed) before
    `egg-info` (left in a checkout), then the first on the path. Of composegan, that of the code that is running.
    """
    chosen: dict[str, Path] = {}
    for metadata in sorted(_metadata_folders(path), key=lambda folder: (not _is_running(folder), folder.suffix)):
        chosen.setdefault(normalized(_distribution(metadata).name), metadata)
    for metadata in chosen.values():
        yield from _entries(metadata, group)


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
            return f"{file}: is not UTF-8 text, so torch cannot be imported; reinstall {_distribution(metadata).name}"
        except (OSError, ValueError):
            continue
    return None


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

    A file that cannot be parsed gives entries with an error, one for each name that seems to be in the group; it is
    ignored if it does not mention the group.
    """
    file = metadata / "entry_points.txt"
    try:
        check_file(file, MAX_BYTES)
        content = file.read_bytes()
    except (OSError, ValueError):
        return
    if group.encode() not in content:
        return
    distribution, version = _distribution(metadata).name, _version(metadata)
    parser = entrypoints.CaseSensitiveConfigParser(delimiters=("=",), interpolation=None, default_section="")
    try:
        parser.read_string(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, configparser.Error) as error:
        reason = one_line(error).replace("While reading from '<string>' ", "")
        error_line = f"{file}: cannot be read ({reason}); reinstall {distribution}"
        for name in _visible_names(content.decode("utf-8-sig", "replace"), group) or ["?"]:
            yield Registered(name, "", distribution, version, error_line)
        return
    for name, target in parser[group].items() if group in parser else ():
        yield Registered(name, target, distribution, version)


def _visible_names(text: str, group: str) -> list[str]:
    """What stands before a `=` in a section of a file that cannot be parsed."""
    found = re.search(rf"^\[{re.escape(group)}\][^\n]*\n([^\[]*)", text, re.MULTILINE)
    lines = found[1].splitlines() if found else []
    return list(dict.fromkeys(line.partition("=")[0].strip() for line in lines if "=" in line))


def _is_running(metadata: Path) -> bool:
    """Whether a metadata folder is that of the running composegan: beside it, or of an editable install of it."""
    if normalized(_distribution(metadata).name) != OWN:
        return False
    return metadata.parent == HOME or f'"{HOME.as_uri()}"' in _text(metadata / "direct_url.json")


def _text(file: Path) -> str:
    """The text of a small file; "" if it cannot be read."""
    try:
        return read_text(file)
    except (OSError, ValueError):
        return ""


def _distribution(metadata: Path) -> entrypoints.Distribution:
    return entrypoints.Distribution.from_name_version(metadata.stem)


def _version(metadata: Path) -> str:
    """The version in the folder's name or, for the egg-info of a checkout, in its PKG-INFO; "" if in neither."""
    if version := _distribution(metadata).version:
        return version.partition("-py")[0]
    found = re.search(r"^Version: (\S+)", _text(metadata / "PKG-INFO"), re.MULTILINE)
    return found[1] if found else ""
