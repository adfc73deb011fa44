"""A plug-in that is not installed: what a folder given as `plugin_path=DIR` registers. Nothing is imported here."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from composegan.errors import UserError, first_line
from composegan.io.guarded import read_text

DOMAINS = "composegan.domains"

_DEFINES_PLUGIN = re.compile(r"^(plugin\s*[:=]|from\s.*\bimport\b.*\bplugin\b)", re.MULTILINE)


@dataclass(frozen=True)
class Registered:
    """One entry point, not loaded. target: "module:object"; error: why it cannot be loaded; folder: of a plug-in
    that is not installed.
    """

    name: str
    target: str
    distribution: str
    version: str
    error: str | None = None
    folder: str = ""


def entries_of_folder(folder: Path, group: str = DOMAINS) -> list[Registered]:
    """What a folder registers under a group in its pyproject.toml or, for domains without one, by its modules.

    A module or package `pets` at the folder's top (or in its src/) that defines `plugin` registers the domain `pets`.
    """
    project = folder / "pyproject.toml"
    if project.is_file():
        return list(_entries_of_project(project, group))
    if group != DOMAINS:
        return []
    return [
        Registered(name, f"{name}:plugin", str(folder), "", folder=str(folder))
        for place in code_folders(folder)
        for name, file in _modules_in(place)
        if _DEFINES_PLUGIN.search(file.read_text(encoding="utf-8", errors="replace"))
    ]


def code_folders(folder: Path) -> list[Path]:
    """The folders that may contain a plug-in's modules: the folder itself and its src/."""
    return [place for place in (folder, folder / "src") if place.is_dir()]


def module_elsewhere(item: Registered) -> str:
    """The file or folder that an import of the entry point's module would find outside its folder; "" if none."""
    name = re.split(r"[.:]", item.target.strip())[0]
    try:
        spec = find_spec(name)
    except (ImportError, ValueError, AttributeError):  # not a module's name, or a module without a spec
        return ""
    if spec is None or not item.folder:
        return ""
    home = os.path.realpath(item.folder) + os.sep
    found = [*(spec.submodule_search_locations or ()), spec.origin or ""]
    return "" if any(os.path.realpath(place).startswith(home) for place in found) else found[0]


def require_plugins(folder: Path, groups: Sequence[str] = (DOMAINS,)) -> None:
    """Raise UserError if a folder given as plugin_path does not exist or registers nothing under any group."""
    if not folder.is_dir():
        raise UserError(f"plugin_path={folder}: there is no such folder")
    installed = any(folder.glob("*.dist-info"))  # what `pip install --target` leaves, found as on any sys.path
    if not installed and not any(entries_of_folder(folder, group) for group in groups):
        others = "".join(f", {group}" for group in groups if group != DOMAINS)
        raise UserError(
            f"plugin_path={folder}: has no domain; a pyproject.toml with entry points of the group {DOMAINS}{others} "
            "is needed, or a module that defines `plugin`"
        )


def _entries_of_project(file: Path, group: str) -> Iterator[Registered]:
    try:
        project = tomllib.loads(read_text(file)).get("project", {})
        name, version = project.get("name", file.parent.name), project.get("version", "")
        entries = project.get("entry-points", {}).get(group, {}).items()
    except Exception as error:  # the file may contain anything
        yield Registered("?", "", file.parent.name, "", f"{file}: cannot be read ({first_line(error)})")
        return
    for own, target in entries:
        yield Registered(own, str(target), str(name), str(version), folder=str(file.parent))


def _modules_in(place: Path) -> Iterator[tuple[str, Path]]:
    """(module name, file) of every top-level module and package in a folder, by name."""
    for path in sorted(place.iterdir()):
        file = path / "__init__.py" if path.is_dir() else path
        if file.suffix == ".py" and path.stem.isidentifier() and file.is_file():
            yield path.stem, file
