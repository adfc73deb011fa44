"""`composegan domains`: what is installed, and what is wrong with what does not work."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from composegan.config.errors import UserError

ABOUT = "list the installed domains"

COLUMNS = ("name", "classes", "distribution", "version", "status")


def help() -> str:
    return "\n".join(
        [
            "usage: composegan domains",
            "       composegan domains plugin_path=DIR",
            "",
            "List the installed domains: name, number of classes, distribution, version, and ok or what is wrong.",
            "With plugin_path also those of a folder that is not installed. docs/plugins.md tells how to add one.",
        ]
    )


def run(arguments: Sequence[str]) -> None:
    """Print a row for each registered domain, also for those that cannot be used."""
    for argument in arguments:
        if not argument.startswith("plugin_path="):
            raise UserError(f"domains takes no arguments but plugin_path=DIR, found {argument!r}")
    from composegan.registry import add_plugin_path, discover

    for argument in arguments:
        add_plugin_path(os.path.expanduser(argument.removeprefix("plugin_path=")))
    rows = [
        (
            found.name,
            str(len(found.plugin.spec.classes)) if found.plugin else "",
            found.distribution,
            found.version,
            f"error: {found.error}" if found.error else "ok",
        )
        for found in discover()
    ]
    if sys.stdout.isatty():
        _print_table(rows)
    else:
        _print_plain(rows)


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*COLUMNS, box=None, header_style="bold")
    for row in rows:
        table.add_row(*map(Text, row[:-1]), Text(row[-1], style="green" if row[-1] == "ok" else "red"))
    Console().print(table)


def _print_plain(rows: Sequence[Sequence[str]]) -> None:
    """Columns of plain text, one line a domain, for pipes and logs."""
    lines = [COLUMNS, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    for line in lines:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())
