"""The import rules of docs/architecture.md, checked by parsing the imports of every file. Nothing is imported."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]

HOMES = {"composegan": "composegan", "domains": "composegan.domain_files", "plugins": "composegan.plugins"}
"""Folders of the checkout, and the packages that they are installed as."""


@dataclass(frozen=True)
class Import:
    """One import. importer, module: dotted names; lazy: inside a function."""

    importer: str
    module: str
    lazy: bool

    def __str__(self) -> str:
        return f"{self.importer} imports {self.module}" + (" (lazily)" if self.lazy else "")


def module_names(homes: dict[str, str] = HOMES) -> dict[str, Path]:
    """Every module of some folders and the packages that they are, by its dotted name."""
    names = {}
    for folder, package in homes.items():
        for path in sorted((CHECKOUT / folder).rglob("*.py")):
            parts = path.relative_to(CHECKOUT / folder).with_suffix("").parts
            names[".".join([package, *parts]).removesuffix(".__init__")] = path
    return names


def imports_of(name: str, path: Path, known: frozenset[str]) -> Iterator[Import]:
    """The imports of a module, each to the module itself: `from composegan.networks import layers` is of `.layers`.

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


def test_imports_of_finds_every_import(tmp_path):
    """Without this, the rules below could pass vacuously."""
    path = tmp_path / "x.py"
    path.write_text(
        "import torch.nn as nn\nfrom composegan.networks import layers, Thing\nfrom .. import version\n"
        "if TYPE_CHECKING:\n    import lightning\n"
        "def f():\n    from .y import z\n    import os\nclass C:\n    import json\n"
        "try:\n    import rich\nexcept ImportError:\n    pass\n"
    )
    known = frozenset({"composegan.networks.layers", "composegan.version", "composegan.a.y"})
    assert [(found.module, found.lazy) for found in imports_of("composegan.a.x", path, known)] == [
        ("torch.nn", False), ("composegan.networks.layers", False), ("composegan.networks", False),
        ("composegan.version", False), ("composegan.a.y", True), ("os", True), ("json", False), ("rich", False),
    ]  # fmt: skip
    assert any(within(found.module, "torch") for found in from_package("composegan.networks"))


FLOORS = (
    "version", "errors", "io", "shipped", "runtime", "plugin", "networks", "metrics", "losses", "viz", "config", "data",
    "draw", "grouping", "training", "planning", "model", "editing", "evaluation", "interop", "runs", "devkit", "api",
    "session", "studio", "verbs", "cli", "domain_files", "plugins",
)  # fmt: skip
"""The packages of composegan from the ground up. A module imports from its own floor and from those below."""


def floor_of(module: str) -> int:
    """The place of a module's floor in FLOORS. The package's own namespace, which only re-exports, is above all."""
    parts = module.split(".")
    return FLOORS.index(parts[1]) if len(parts) > 1 else len(FLOORS)


def test_every_module_is_on_a_floor():
    folders = {name.split(".")[1] for name in module_names() if "." in name}
    assert folders == set(FLOORS)


def test_imports_never_climb():
    ours = [item for item in IMPORTS if within(item.module, "composegan")]
    assert [str(item) for item in ours if floor_of(item.module) > floor_of(item.importer)] == []


def test_no_module_imports_the_package_namespace():
    """`from composegan import load` is for users; within the library it would make a circle."""
    assert [str(item) for item in IMPORTS if item.module == "composegan" and item.importer != "composegan"] == []


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Modules that import one another in a circle, the first also last; empty without a circle."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_circle_finds_circles():
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()})) == {"a", "b", "c"}


@pytest.mark.parametrize("folder", ["composegan", "benchmarks"])
def test_no_imports_go_in_circles(folder):
    """Imports within functions count; those that only a type checker reads do not."""
    names = module_names(HOMES if folder == "composegan" else {folder: folder})
    edges = {
        name: {item.module for item in imports_of(name, path, frozenset(names)) if item.module in names} - {name}
        for name, path in names.items()
    }
    assert circle(edges) == []


@pytest.mark.parametrize(
    "name",
    ["composegan", "composegan.version", "composegan.errors", "composegan.plugin.domain", "composegan.plugin.contracts",
     "composegan.config.schema", "composegan.config.settings", "composegan.config.arguments",
     "composegan.config.validate", "composegan.cli"],
)  # fmt: skip
def test_imports_the_standard_library_only(name):
    """Apart from modules of composegan, and from what a function imports when it is called."""
    found = [item for item in IMPORTS if item.importer == name and not item.lazy]
    others = [item for item in found if not within(item.module, "composegan")]
    assert [str(item) for item in others if item.module.partition(".")[0] not in sys.stdlib_module_names] == []


def test_plugins_import_public_names_only():
    public = ("composegan.plugin", "composegan.data", "composegan.draw", "composegan.devkit", "composegan.domain_files")
    for item in from_package("composegan.plugins"):
        if within(item.module, "composegan.plugins"):
            # A plugin may import its own package, not another domain's.
            assert within(item.module, ".".join(item.importer.split(".")[:3])), str(item)
        elif within(item.module, "composegan"):
            assert within(item.module, *public), str(item)


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("entrypoints", "composegan.plugin.entry_points"),
        ("omegaconf", "composegan.config.merge"),
        ("yaml", "composegan.io.yaml_file"),
        ("lightning", "composegan.runs"),
        ("starlette", "composegan.studio"),
        ("uvicorn", "composegan.studio.server"),
    ],
)
def test_a_library_has_one_home(library, home):
    inside = offenders(from_package(home), library)
    elsewhere = [text for text in offenders(IMPORTS, library) if text not in inside]
    assert inside, f"nothing in {home} imports {library} any more"
    assert elsewhere == []


def test_no_module_imports_scripts_or_lightnings_old_name():
    assert offenders(IMPORTS, "benchmarks", "tests", "pytorch_lightning") == []


def test_the_command_line_loads_nothing_heavy_at_the_top():
    top = [item for item in from_package("composegan.cli", "composegan.verbs") if not item.lazy]
    assert offenders(top, "torch", "lightning", "numpy", "PIL", "rich", "omegaconf", "composegan.config.compose") == []
    assert offenders(top, "composegan.training", "composegan.networks", "composegan.data") == []


def test_domains_are_data_only():
    assert from_package("composegan.domain_files") == []


def test_every_package_is_named_in_pyproject():
    """An unnamed package would be missing from the wheel, though not from an editable install."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {name for name, path in module_names().items() if path.name == "__init__.py"}
    without_init = {name.rpartition(".")[0] for name in module_names()} - found - {""}
    assert without_init == set(), "a folder of modules has no __init__.py"
    assert set(project["tool"]["setuptools"]["packages"]) == found
