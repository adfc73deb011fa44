"""Process the items of a source in chunks, with several processes where there are enough of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import Any, TypeVar

from composegan.errors import UserError
from composegan.plugin.domain import Source
from composegan.runtime.ranks import end_with_parent, ignore_signals

Result = TypeVar("Result")


def in_chunks(
    work: Callable[[Source, int], Result], source: Source, starts: Sequence[int], workers: int, where: str
) -> Iterator[Result]:
    """`work(source, start)` for each start, in order, in `workers` processes; up to 1: in this one.

    work: pickles, as a module's function or a `partial` of one. where: the beginning of the error line about a process
    that died.
    """
    if workers <= 1:
        yield from (work(source, start) for start in starts)
        return
    others = set(active_children())
    # Spawned: forking a process that already runs torch's threads can hang.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker, initargs=(work, source))
    try:
        with _main_module_hidden(source):
            results = pool.map(_work, starts)  # starts the workers
        yield from results
    except BrokenProcessPool as error:
        raise UserError(
            f"{where}: a process that draws or reads images died (out of memory, or a script without "
            '`if __name__ == "__main__":`)'
        ) from error
    except KeyboardInterrupt:  # the pool does not know workers that it is just starting, and would wait for them
        for process in set(active_children()) - others:
            process.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _main_module_hidden(source: Source) -> Iterator[None]:
    """Keep spawned workers from importing the user's script, which would rerun it if it has no `__main__` guard.

    A source that the script itself defines still needs the import, and so the guard.
    """
    main = sys.modules["__main__"]
    names = () if type(source).__module__ == "__main__" else ("__file__", "__spec__")
    before = {name: getattr(main, name) for name in names if hasattr(main, name)}
    for name in before:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(main, name, value)


_job: tuple[Callable[[Source, int], Any], Source] | None = None  # set in worker processes


def _start_worker(work: Callable[[Source, int], Any], source: Source) -> None:
    global _job
    ignore_signals("SIGINT")  # the parent handles Ctrl-C and stops the workers
    end_with_parent()  # otherwise a pool's worker would wait for work forever
    _job = work, source


def _work(start: int) -> Any:
    assert _job is not None  # set by _start_worker
    work, source = _job
    return work(source, start)
