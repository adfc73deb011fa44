"""`composegan domains`: the installed domains and other extensions, and why some cannot be used."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from composegan.errors import UserError
from composegan.plugin.contracts import Verb
from composegan.runtime.console import printable, rich_console
from composegan.verbs.base import help_function

COLUMNS = ("name", "classes", "distribution", "version", "status")
EXTENSION_COLUMNS = ("name", "kind", "distribution", "version", "status")


def run(arguments: Sequence[str]) -> None:
    """Print a row per registered domain, or per other extension, including those that cannot be used."""
    from composegan.config.values import convert

    extensions = False
    for argument in arguments:
        key, _, value = argument.partition("=")
        if not argument.startswith(("plugin_path=", "extensions=")):
            raise UserError(f"{argument}: domains takes plugin_path=DIR and extensions=on only")
        if key == "extensions":
            try:
                extensions = convert(value, bool)
            except ValueError as error:
                raise UserError(f"{key}: {error}") from error
        else:
            from composegan.plugin.registry import add_plugin_path

            add_plugin_path(os.path.expanduser(value))
    columns, rows = (EXTENSION_COLUMNS, _extensions()) if extensions else (COLUMNS, _domains())
    if sys.stdout.isatty():
        _print_table(columns, rows)
    else:
        _print_plain(columns, rows)


def _domains() -> Sequence[tuple[str, ...]]:
    from composegan.plugin.registry import discover

    rows: list[tuple[str, ...]] = []
    for found in discover():
        classes = str(len(found.plugin.spec.classes)) if found.plugin else ""
        rows.append((found.name, classes, found.distribution, found.version, _status(found.error)))
    return rows


def _extensions() -> Sequence[tuple[str, ...]]:
    from composegan.plugin.contracts import EXTENSIONS
    from composegan.plugin.registry import discover

    return [
        (found.name, kind.word, found.distribution, found.version, _status(found.error))
        for kind in EXTENSIONS
        for found in discover(kind=kind)
    ]


def _status(error: str | None) -> str:
    return f"error: {error}" if error else "ok"


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        row = [printable(cell) for cell in row]
        table.add_row(*map(Text, row[:-1]), Text(row[-1], style="green" if row[-1] == "ok" else "red"))
    rich_console().print(table)


def _print_plain(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned plain text, for pipes and logs."""
    lines = [columns, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    for line in lines:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


verb = Verb(
    "list the installed domains", run,
    help_function(
        "domains", ["", "extensions=on", "plugin_path=DIR"],
        "List the installed domains: name, number of classes, distribution, version, and ok or what is wrong.",
        more=["With extensions=on: everything else that packages add, such as metrics, loss recipes and verbs.",
              "With plugin_path also those of a folder that is not installed. docs/plugins.md shows how to add one."],
    ),
)  # fmt: skip
