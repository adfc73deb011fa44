"""The processes that Lightning starts for `trainer.devices`: none of them waits for one that is gone.

torchrun and srun look after theirs. Here a thread of each process does: who waits for another in torch's rendezvous,
for half an hour, hears no signal, and Lightning's own watch kills the first process without a word.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import Any

from lightning.fabric.utilities.distributed import _set_num_threads_if_needed
from lightning.pytorch.strategies.launchers.subprocess_script import _SubprocessScriptLauncher

from composegan.runs.devices import PlainDDPStrategy
from composegan.runtime.console import print_line
from composegan.runtime.ranks import poll_until

FIRST = "COMPOSEGAN_FIRST_PROCESS"
"""In the environment of a process that was started here: the number of the one that did."""

PATIENCE = 3.0
"""Seconds in which a process may notice by itself, as with gloo within a step: it then says how to continue its run."""


class LaunchedStrategy(PlainDDPStrategy):
    """One whose processes, where it starts them itself, end together."""

    def _configure_launcher(self) -> None:
        self._launcher = Launcher(self.cluster_environment, self.num_processes, self.num_nodes)


class Launcher(_SubprocessScriptLauncher):
    """Lightning's, with another watch. `over`: the others are not needed any more, or this process ends them."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.over = Event()
        if first := os.environ.pop(FIRST, None):
            ended = f"the first of {self.num_processes} processes has ended"
            self._end_when(lambda: ended if os.getppid() != int(first) else None)

    def launch(self, function: Callable, *given: Any, trainer: Any = None, **named: Any) -> Any:
        self.cluster_environment.validate_settings(num_devices=self.num_processes, num_nodes=self.num_nodes)
        if not self.cluster_environment.creates_processes_externally:
            self._call_children_scripts()
            self._end_when(self._failed)
        _set_num_threads_if_needed(num_processes=self.num_processes)
        result = function(*given, **named)
        self.over.set()
        return result

    def kill(self, number: int) -> None:
        self.over.set()
        super().kill(number)

    def _call_children_scripts(self) -> None:
        os.environ[FIRST] = str(os.getpid())
        try:
            super()._call_children_scripts()
        finally:
            del os.environ[FIRST]

    def _failed(self) -> str | None:
        """Which process has ended otherwise than it should."""
        for number, process in enumerate(self.procs, start=2):
            if status := process.poll():
                how = f"ended with status {status}" if status > 0 else f"was killed ({signal.Signals(-status).name})"
                return f"process {number} of {self.num_processes} {how}"
        return None

    def _end_when(self, lost: Callable[[], str | None]) -> None:
        """Once `lost` says who is, end this process and those that it has started, wherever they are."""

        def end() -> None:
            line = lost()
            if self.over.wait(PATIENCE):
                return
            self.kill(signal.SIGKILL)
            print_line(
                f"composegan: {line}; once that is mended, the run goes on with composegan fit run=PATH", error=True
            )
            with suppress(OSError, RuntimeError):
                sys.stdout.flush()
            os._exit(2)

        poll_until(lost, end, self.over)
