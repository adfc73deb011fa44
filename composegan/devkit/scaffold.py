"""`composegan new`: an installable package for a new domain, filled in from template/."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from importlib.resources import files
from importlib.util import find_spec
from keyword import iskeyword, issoftkeyword
from pathlib import Path
from string import Template

from composegan.devkit.label_yaml import OFF, as_yaml, values_from
from composegan.errors import UserError
from composegan.io.atomic import atomic_folder
from composegan.plugin import registry
from composegan.plugin.contracts import DOMAIN
from composegan.plugin.palette import distinct_colors

MAX_CLASSES = 255
RESERVED = ("all", "composegan", "none", "null", "test", "testing")

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
"""Each file of a package and its template."""


def check_name(name: str) -> str:
    """Return the name of a new domain, also that of a Python package. Raises UserError with a name that would do."""
    if not name:
        raise UserError("new: give a name, as in composegan new pets classes=background,cat,dog")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        plain = re.sub(r"\W+", "_", name.casefold(), flags=re.ASCII).strip("_")
        better = f", such as {plain}" if re.fullmatch(r"[a-z][a-z0-9_]*", plain) else ""
        raise UserError(f"{name!r} cannot name a domain: use a-z, 0-9 and _, beginning with a letter{better}")
    if iskeyword(name) or issoftkeyword(name) or name in RESERVED:
        raise UserError(f"{name!r} is a reserved word; choose another name, such as {name}_domain")
    if name in registry.names(DOMAIN):
        by = registry.home(name)
        raise UserError(f"domain {name!r} is already installed{by and f', by {by}'}; choose another name")
    if find_spec(f"composegan_{name}"):
        raise UserError(f"package composegan_{name} is already installed; choose another name")
    return name


def read_classes(text: str) -> list[str]:
    """The classes of a new domain from `background,cat,dog`, in label order: nothing is added or moved.

    Raises UserError for no classes, too many, duplicates, and names that a command line cannot hold.
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise UserError("new: give the classes in the order of their label values, as in classes=background,cat,dog")
    seen: dict[str, str] = {}
    for name in names:
        if not re.fullmatch(r"[^\W\d_][\w-]*", name):
            raise UserError(
                f"classes={text}: {name!r} cannot name a class; use letters, digits, - and _, beginning with a letter"
            )
        if name.casefold() == "all":
            raise UserError(f"classes={text}: {name!r} is reserved for classes=all; choose another name")
        if name.casefold() in seen:
            raise UserError(f"classes={text}: {seen[name.casefold()]!r} is given twice ({name}); remove one")
        seen[name.casefold()] = name
    if len(names) > MAX_CLASSES:
        raise UserError(f"classes: {len(names)} are given; use at most {MAX_CLASSES}")
    return names


def write_package(name: str, classes: Sequence[str], out: Path, background: str = OFF) -> Path:
    """Write the package of a new domain into the folder `out` and return it.

    name, classes: as `check_name` and `read_classes` return them; background: the class to list first, whose label
    value then stands in `ids`, as those of all others; OFF: the first of `classes`. Raises UserError for an unknown
    background, and when `out` exists or cannot be written.
    """
    values = dict(enumerate(classes))
    order = [values[value] for value in values_from(list(values), values, background)]
    if out.exists():
        raise UserError(f"out={out}: already exists; choose another folder with out=DIR, or remove it")
    lines = [
        f"  - {{name: {as_yaml(item)}, color: {list(color)}}}"
        for item, color in zip(order, distinct_colors(len(classes)), strict=True)
    ]
    if order != list(classes):
        lines += [
            "",
            "# Label value: class",
            "ids:",
            *(f"  {value}: {as_yaml(item)}" for value, item in values.items()),
        ]
    replacements = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "camel": "".join(word.capitalize() for word in name.split("_")),
        "title": as_yaml(name.replace("_", " ").capitalize()),
        "classes": "\n".join(lines),
        "listed": ", ".join(classes),
        "year": time.strftime("%Y"),
    }
    templates = files("composegan.devkit") / "template"
    with atomic_folder(out) as folder:
        for path, template in FILES.items():
            file = folder / path.format(name=name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(
                Template((templates / template).read_text(encoding="utf-8")).substitute(replacements), "utf-8"
            )
    return out
