"""The import rules of docs/architecture.md, held by reading every file's imports. Nothing is imported here."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]

HOMES = {"composegan": "composegan", "domains": "composegan.domains", "plugins": "composegan.plugins"}
"""Folders of the checkout, and the packages they are installed as."""


@dataclass(frozen=True)
class Import:
    """One import. importer and module: dotted names; lazy: within a function, done only when that is called."""

    importer: str
    module: str
    lazy: bool

    def __str__(self) -> str:
        return f"{self.importer} imports {self.module}" + (" (lazily)" if self.lazy else "")


def module_names() -> dict[str, Path]:
    """Every module that is installed, by its dotted name."""
    names = {}
    for folder, package in HOMES.items():
        for path in sorted((CHECKOUT / folder).rglob("*.py")):
            parts = path.relative_to(CHECKOUT / folder).with_suffix("").parts
            names[".".join([package, *parts]).removesuffix(".__init__")] = path
    return names


def imports_of(name: str, path: Path, known: frozenset[str]) -> Iterator[Import]:
    """The imports of a module, each to the module itself: `from composegan.models import layers` is of `.layers`.

    Those under `if TYPE_CHECKING:` are for the reader and left out.
    """
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]

    def visit(node: ast.AST, lazy: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                yield from (Import(name, alias.name, lazy) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    above = package.split(".")[: len(package.split(".")) - child.level + 1]
                    base = ".".join([*above, *([base] if base else [])])
                for alias in child.names:
                    full = f"{base}.{alias.name}"
                    yield Import(name, full if full in known else base, lazy)
            else:
                yield from visit(child, lazy or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), False)


def all_imports() -> list[Import]:
    names = module_names()
    return [found for name, path in names.items() for found in imports_of(name, path, frozenset(names))]


IMPORTS = all_imports()


def within(module: str, *packages: str) -> bool:
    """Whether a module is one of `packages` or inside one."""
    return any(module == package or module.startswith(package + ".") for package in packages)


def from_package(*packages: str) -> list[Import]:
    return [found for found in IMPORTS if within(found.importer, *packages)]


def offenders(imports: list[Import], *forbidden: str) -> list[str]:
    return [str(found) for found in imports if within(found.module, *forbidden)]


def test_the_reader_sees_imports(tmp_path):
    """The rules below would hold of nothing at all if this did not."""
    path = tmp_path / "x.py"
    path.write_text(
        "import torch.nn as nn\nfrom composegan.models import layers, Thing\nfrom .. import registry\n"
        "if TYPE_CHECKING:\n    import lightning\n"
        "def f():\n    from .y import z\n    import os\nclass C:\n    import json\n"
        "try:\n    import rich\nexcept ImportError:\n    pass\n"
    )
    known = frozenset({"composegan.models.layers", "composegan.registry", "composegan.a.y"})
    assert [(found.module, found.lazy) for found in imports_of("composegan.a.x", path, known)] == [
        ("torch.nn", False), ("composegan.models.layers", False), ("composegan.models", False),
        ("composegan.registry", False), ("composegan.a.y", True), ("os", True), ("json", False), ("rich", False),
    ]  # fmt: skip
    assert any(within(found.module, "torch") for found in from_package("composegan.models"))


@pytest.mark.parametrize(
    "name",
    [
        "composegan", "composegan.domain", "composegan.presence", "composegan.grouping.plan",
        "composegan.grouping.taxonomy", "composegan.config.schema", "composegan.config.errors",
        "composegan.config.settings", "composegan.config.arguments", "composegan.config.run_folder",
        "composegan.config.validate", "composegan.cli", "composegan.extensions", "composegan.evaluation.names",
    ],
)  # fmt: skip
def test_standard_library_only(name):
    """Not counting each other, and what a function imports when it is called."""
    found = [item for item in IMPORTS if item.importer == name and not item.lazy]
    for item in found:
        if within(item.module, "composegan"):
            assert item.module in (
                "composegan", "composegan.domain", "composegan.grouping.plan", "composegan.grouping.taxonomy",
                "composegan.config.schema", "composegan.config.errors", "composegan.evaluation.names",
            ), str(item)  # fmt: skip
        else:
            assert item.module.partition(".")[0] in sys.stdlib_module_names, str(item)


def test_models_losses_and_metrics_know_tensors_only():
    imports = from_package("composegan.models", "composegan.losses", "composegan.metrics")
    known = ("composegan.models", "composegan.losses", "composegan.metrics", "composegan.grouping.plan")
    # A mistake in sizes is still told in one line, and what it is to be in a picture is said once.
    allowed = (*known, "composegan.config.errors", "composegan.presence", "composegan.reading")
    ours = [item for item in imports if within(item.module, "composegan")]
    assert [str(item) for item in ours if not within(item.module, *allowed)] == []
    assert offenders(imports, "lightning", "pytorch_lightning", "omegaconf", "entrypoints") == []


def test_the_core_imports_no_plugin():
    core = [item for item in IMPORTS if not within(item.importer, "composegan.plugins")]
    assert offenders(core, "composegan.plugins") == []


def test_only_plugins_and_the_command_line_know_what_is_for_plugin_authors():
    own = ("composegan.testing", "composegan.scaffold", "composegan.plugins", "composegan.verbs")
    core = [item for item in IMPORTS if not within(item.importer, *own)]
    assert offenders(core, "composegan.testing", "composegan.scaffold") == []


def test_plugins_import_public_names_only():
    public = ("composegan.domain", "composegan.data", "composegan.testing", "composegan.domains", "composegan.plugins")
    ours = [item for item in from_package("composegan.plugins") if within(item.module, "composegan")]
    for item in ours:
        assert within(item.module, *public), str(item)
        # A plugin may import its own package, not another domain's.
        if within(item.module, "composegan.plugins"):
            domain = ".".join(item.importer.split(".")[:3])
            assert within(item.module, domain), str(item)


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("entrypoints", "composegan.registry"),
        ("omegaconf", "composegan.config.compose"),
        ("yaml", "composegan.config"),
        ("lightning", "composegan.training"),
    ],
)
def test_a_library_has_one_home(library, home):
    inside = offenders(from_package(home), library)
    elsewhere = [text for text in offenders(IMPORTS, library) if text not in inside]
    assert inside, f"nothing in {home} imports {library} any more"
    assert elsewhere == []


def test_lightning_has_one_name():
    assert offenders(IMPORTS, "pytorch_lightning") == []


def test_nobody_imports_the_command_line_or_the_benchmarks():
    assert offenders(IMPORTS, "composegan.cli", "benchmarks", "tests") == []
    others = [item for item in IMPORTS if not within(item.importer, "composegan.cli", "composegan.verbs")]
    assert offenders(others, "composegan.verbs") == []


def test_the_command_line_loads_nothing_heavy_at_the_top():
    top = [item for item in from_package("composegan.cli", "composegan.verbs") if not item.lazy]
    assert offenders(top, "torch", "lightning", "numpy", "PIL", "rich", "omegaconf", "composegan.config.compose") == []
    assert offenders(top, "composegan.training", "composegan.models", "composegan.data", "composegan.editing") == []


def test_domains_are_data_only():
    assert from_package("composegan.domains") == []


def test_every_package_is_named_in_pyproject():
    """One that is not would be missing from the wheel, though not from an editable install."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {name for name, path in module_names().items() if path.name == "__init__.py"}
    without_init = {name.rpartition(".")[0] for name in module_names()} - found - {""}
    assert without_init == set(), "a folder of modules has no __init__.py"
    assert set(project["tool"]["setuptools"]["packages"]) == found
