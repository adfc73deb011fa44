"""The command line that every study shares, `python -m benchmarks.NAME key=value ...`, and the JSON files they
write."""

from __future__ import annotations

import csv
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from composegan.cli import HELP
from composegan.config.compose import read_arguments
from composegan.config.run_folder import CONFIG
from composegan.config.settings import check_bounds
from composegan.errors import UserError, nearest
from composegan.io.atomic import atomic_file
from composegan.verbs.base import settings_lines

CHECKOUT = Path(__file__).parents[1]
RESULTS = CHECKOUT / "benchmarks" / "results"

Settings = TypeVar("Settings")


def read_settings(schema: type[Settings], arguments: Sequence[str], name: str) -> Settings:
    """Parse `key=value` arguments into the dataclass `schema`, whose field comments are the help texts.

    name: of the study, as typed after `benchmarks.`. `--help` prints the module's docstring and the settings, and
    exits. Raises UserError for an unknown key and for a value of the wrong type or out of bounds.
    """
    if any(argument in HELP for argument in arguments):
        about = inspect.getdoc(sys.modules[schema.__module__]) or ""
        print("\n".join([about, *settings_lines(schema)]))
        raise SystemExit(0)
    settings = read_arguments(schema, arguments, see=f"python -m benchmarks.{name} --help")
    check_bounds(settings)
    return settings


def choose(what: str, parts: Iterable[str], arguments: Sequence[str]) -> tuple[list[str], Sequence[str]]:
    """Split the arguments of a study with parts, `PART key=value ...`, into the parts to run and their settings.

    PART may be `all`. Before `--help` it may be missing. Raises UserError for any other part.
    """
    part, *settings = arguments or [""]
    if part in HELP:
        return list(parts), arguments
    if part not in (*parts, "all"):
        raise UserError(f"which {what}? {nearest(part, [*parts, 'all'])}")
    return list(parts) if part == "all" else [part], settings


def command_line(name: str, arguments: Sequence[str]) -> str:
    """The command that ran a study, for its results."""
    return " ".join([f"python -m benchmarks.{name}", *arguments])


def run_study(main: Callable[[Sequence[str]], object]) -> None:
    """Call `main` with the command line's arguments and exit: 2 after a UserError, printed in one line, 130 after
    Ctrl-C.

    Otherwise the exit status is 1 if `main` returns something true, such as a number of failures, and 0 if not.
    """
    spec = sys.modules["__main__"].__spec__
    name = spec.name.removesuffix(".__main__") if spec else ""
    try:
        sys.exit(1 if main(sys.argv[1:]) else 0)
    except UserError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        sys.exit(130)


def output(given: str, default: Path) -> Path:
    """The path that a setting names; empty: the default."""
    return Path(given) if given else default


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically, creating the folder if needed."""
    with atomic_file(path) as file:
        file.write_text(json.dumps(content, indent=2) + "\n")


def newest_run(root: Path) -> Path | None:
    """The latest run under ROOT/DOMAIN/TIME; None if no run has written its configuration yet."""
    configs = sorted(root.glob(f"*/*/{CONFIG}"))
    return configs[-1].parent if configs else None


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV atomically; the columns are all their keys."""
    with atomic_file(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a Markdown table, after an empty line."""
    lines = [" | ".join(map(str, row)) for row in (head, *rows)]
    return ["", f"| {lines[0]} |", "| --- " * len(head) + "|", *(f"| {line} |" for line in lines[1:])]
