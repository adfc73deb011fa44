"""Folders like site-packages, with metadata and modules of plug-ins."""

from __future__ import annotations

import sys

import pytest

PLUGIN = """
from composegan.plugin import DomainPlugin, DomainSpec, SemanticClass
plugin = DomainPlugin(DomainSpec({name!r}, (SemanticClass("sky", (1, 2, 3)),)))
"""


class Site:
    """A folder like site-packages. `path` is what to search."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = [str(folder)]

    def distribution(self, metadata, content, **modules):
        """Write a metadata folder such as `cars-1.0.dist-info` with its entry_points.txt, and modules."""
        (self.folder / metadata).mkdir()
        content = content if isinstance(content, bytes) else content.encode()
        (self.folder / metadata / "entry_points.txt").write_bytes(content)
        for name, source in modules.items():
            (self.folder / f"{name}.py").write_text(source)

    def domain(self, metadata, name, target=None, source=None):
        """Register a domain; with `source`, or without a target, write the module NAME_plugin as well."""
        module = {} if target and source is None else {f"{name}_plugin": source or PLUGIN.format(name=name)}
        self.distribution(metadata, f"[composegan.domains]\n{name} = {target or f'{name}_plugin:plugin'}\n", **module)


@pytest.fixture
def new_site(tmp_path):
    """(name of a folder) -> a `Site` that is not searched."""
    return lambda name: Site(tmp_path / name)


@pytest.fixture
def site(tmp_path, new_process):
    """A `Site` at the front of the module path."""
    site = Site(tmp_path / "site")
    sys.path.insert(0, str(site.folder))
    return site


@pytest.fixture
def checkout(tmp_path, new_process):
    """A `Site` for plugin_path, which is not searched yet."""
    return Site(tmp_path / "checkout")
