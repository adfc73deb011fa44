"""A new domain's package, written whole or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from composegan.devkit.scaffold.colors import distinct_colors
from composegan.errors import UserError
from composegan.io.atomic import atomic_folder
from composegan.io.yaml_file import parse_yaml

FILES = {
    "pyproject.toml": "pyproject.toml.in",
    "README.md": "README.md.in",
    "LICENSE": "LICENSE.in",
    ".gitignore": "gitignore.in",
    "composegan_{name}/__init__.py": "init.py.in",
    "composegan_{name}/demo.py": "demo.py.in",
    "composegan_{name}/{name}.yaml": "domain.yaml.in",
    "tests/test_{name}.py": "test.py.in",
}
"""Each file of a package, and the template it is made from."""


def write_package(name: str, classes: Sequence[str], out: Path) -> Path:
    """Write the package of a new domain into the folder `out`, which is returned.

    name, classes: as `composegan.devkit.scaffold.names` lets them be. Raises UserError when `out` exists or cannot be written.
    """
    if out.exists():
        raise UserError(f"out={out}: is there already; choose another folder with out=DIR, or remove it")
    lines = [
        f"  - {{name: {_text(item)}, color: {list(color)}}}"
        for item, color in zip(classes, distinct_colors(len(classes)), strict=True)
    ]
    values = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "camel": "".join(word.capitalize() for word in name.split("_")),
        "title": _text(name.replace("_", " ").capitalize()),
        "classes": "\n".join(lines),
        "listed": ", ".join(classes),
        "year": time.strftime("%Y"),
    }
    templates = files("composegan.devkit.scaffold") / "template"
    with atomic_folder(out) as folder:
        for path, template in FILES.items():
            file = folder / path.format(name=name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(Template((templates / template).read_text(encoding="utf-8")).substitute(values), "utf-8")
    return out


def _text(name: str) -> str:
    """A name as YAML: in quotes where it would else be read as something other than text, such as `on`."""
    return name if parse_yaml(name) == name else json.dumps(name)
