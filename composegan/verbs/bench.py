"""`composegan bench`: run a study of the repository's `benchmarks/` folder."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from composegan.errors import UserError, nearest
from composegan.plugin.contracts import Verb
from composegan.verbs.base import help_function

FOLDER = "benchmarks"
GUARD = "__main__"


def run(arguments: Sequence[str]) -> None:
    """List the studies, or replace this process with one, started as a module.

    Raises UserError if there is no checkout of the repository, or no such study.
    """
    checkout = find_checkout()
    about = studies(checkout / FOLDER)
    if not arguments:
        width = max(map(len, about))
        print("\n".join(f"{name:{width}}  {text}" for name, text in about.items()))
        return
    name, *settings = arguments
    if name not in about:
        raise UserError(f"bench {name}: there is no such study; {nearest(name, about)}")
    path = os.pathsep.join(filter(None, (str(checkout), os.environ.get("PYTHONPATH"))))
    sys.stdout.flush()
    # The study replaces this process, so that signals reach it directly and its exit status is returned.
    command = [sys.executable, "-m", f"{FOLDER}.{name}", *settings]
    os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": path})


def find_checkout() -> Path:
    """The repository: the current directory, or that of an editable install.

    Raises UserError if neither is one.
    """
    for folder in (Path.cwd(), Path(__file__).parents[2]):
        if (folder / FOLDER / "class_scaling").is_dir() and (folder / "composegan").is_dir():
            return folder
    raise UserError(
        "the studies are part of composegan's repository, not of the installed package; run `pip install -e .` in a "
        "checkout, then repeat this command"
    )


def studies(folder: Path) -> dict[str, str]:
    """Every module and package that can be run, by name, with the first line of its docstring. Imports nothing."""
    found = {}
    for path in sorted(folder.iterdir()):
        if (path / f"{GUARD}.py").is_file():
            found[path.name] = first_line(path / "__init__.py")
        elif path.suffix == ".py" and f'if __name__ == "{GUARD}"' in path.read_text(encoding="utf-8"):
            found[path.stem] = first_line(path)
    return found


def first_line(path: Path) -> str:
    """The first line of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return (docstring or "").partition("\n")[0]


verb = Verb(
    "run one of the repository's studies", run,
    help_function(
        "bench", ["", "STUDY key=value ..."],
        "List the studies of the repository's benchmarks/ folder, or run one, as `python -m benchmarks.STUDY` does.",
        more=["A study's settings are in its file's docstring; its results in docs/benchmarks.md."],
    ),
)  # fmt: skip
