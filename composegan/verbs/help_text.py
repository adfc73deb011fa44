"""The help of a verb, from its settings: key, default, type and what it is for."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from composegan.config.settings import settings_of
from composegan.config.values import show


def help_text(usage: Iterable[str], about: str, schema: type, more: Iterable[str] = ()) -> str:
    """Usage lines, what the verb does, and a line for each setting of `schema`, a blank line between sections."""
    lines = [f"{'usage:' if index == 0 else '':7}{line}" for index, line in enumerate(usage)]
    return "\n".join([*lines, "", about, *more, *settings_lines(schema)])


def settings_lines(schema: type, prefix: str = "") -> list[str]:
    """`key=default  type  help` for each setting, in columns, a section's after a blank line."""
    settings = settings_of(schema, prefix).values()
    rows = [(f"{item.key}={show(item.default)}", item.words, item.help) for item in settings]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = []
    for _, section in groupby(rows, key=lambda row: row[0].partition("=")[0].rpartition(".")[0]):
        lines += ["", *(f"  {first:{widths[0]}}  {kind:{widths[1]}}  {text}" for first, kind, text in section)]
    return lines
