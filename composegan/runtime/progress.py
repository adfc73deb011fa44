"""A progress bar on stderr, for the first rank only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from composegan.runtime.console import printable, rich_console
from composegan.runtime.ranks import is_first_process


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar during the block; call the yielded function with the number of items just completed.

    title: "" shows nothing.
    """
    if not title or not is_first_process():
        yield lambda done: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=rich_console()) as bar:
        task = bar.add_task(printable(title), total=total)
        yield lambda done: bar.advance(task, done)
