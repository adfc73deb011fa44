"""One thread that runs the model: edits first, then layers, then pictures of the wall."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
EDIT, LAYERS, WALL = range(3)
"""Priorities; lower numbers come first."""


class Worker:
    """Runs functions one at a time. A waiting job of higher priority comes before others."""

    def __init__(self) -> None:
        self._jobs: queue.PriorityQueue[tuple[int, int, Callable[[], None]]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        threading.Thread(target=self._run, daemon=True, name="composegan-studio").start()

    async def run(self, job: Callable[[], T], priority: int = EDIT) -> T:
        """The result of a job, or the exception that it raised."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[T] = loop.create_future()

        def settle(set_: Callable[[Any], None], value: Any) -> None:
            if not found.cancelled():
                set_(value)

        def work() -> None:
            if found.cancelled():  # the browser went away
                return
            try:
                result = job()
            except BaseException as error:
                loop.call_soon_threadsafe(settle, found.set_exception, error)
            else:
                loop.call_soon_threadsafe(settle, found.set_result, result)

        self._jobs.put((priority, next(self._numbers), work))
        return await found

    def _run(self) -> None:
        while True:
            self._jobs.get()[2]()
