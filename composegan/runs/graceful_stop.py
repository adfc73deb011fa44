"""A stop after the current step, requested by a signal to any rank or by data that cannot be read any more."""

from __future__ import annotations

import os
import signal
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch

from composegan.data.loader import TrainingLoader
from composegan.runtime.console import print_line
from composegan.runtime.distributed import all_reduce_max, first_message

REPEAT = 1.0
"""Seconds until a second signal is a second request: `timeout` and job systems send each to process and group."""

STOPPING = "\nstopping after this step; again to stop at once"

SIGHUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
"""A terminal that closes; None on Windows."""


STOP_FILE = "COMPOSEGAN_STOP_FILE"
"""In the environment of a rank: a file that the launcher creates to request a stop."""


def stop_file() -> Path | None:
    """The file that requests a stop once it exists; None in a process that `launch` did not start."""
    return Path(os.environ[STOP_FILE]) if STOP_FILE in os.environ else None


def handled_signals() -> list[signal.Signals]:
    """Those that ask for a stop: SIGINT, SIGTERM and, unless it is ignored, as under nohup, SIGHUP."""
    closing = [SIGHUP] if SIGHUP and signal.getsignal(SIGHUP) != signal.SIG_IGN else []
    return [signal.SIGINT, signal.SIGTERM, *closing]


class GracefulStop(AbstractContextManager):
    """Within the block SIGINT, SIGTERM and SIGHUP only request a stop; the second request raises KeyboardInterrupt.

    interrupted: a signal reached any rank; failure: what is wrong with the data of any. Both as of `requested`.
    """

    def __init__(self, loader: TrainingLoader) -> None:
        self.loader, self.file = loader, stop_file()
        self.interrupted = False
        self.failure: str | None = None
        self._signalled: float | None = None
        self._before = {number: signal.getsignal(number) for number in handled_signals()}

    def __enter__(self) -> GracefulStop:
        self.install()
        return self

    def install(self) -> None:
        """Put these handlers in place of Lightning's, whose handler of SIGTERM blocks until all ranks get one."""
        for number in self._before:
            signal.signal(number, self._on_signal)

    def __exit__(self, *_: Any) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def signalled(self) -> bool:
        """Whether this very process was asked to stop; the others may not know yet."""
        return self._signalled is not None or bool(self.file and self.file.exists())

    def requested(self, device: torch.device) -> bool:
        """Whether to stop after this step; all ranks ask together and get the same answer."""
        reason = all_reduce_max(2 if self.loader.failure else int(self.signalled), device)
        self.interrupted = reason == 1
        self.failure = first_message(self.loader.failure) if reason == 2 else None
        return reason > 0

    def _on_signal(self, number: int, frame: Any) -> None:
        if self.file and self.file.exists() and time.time() - self.file.stat().st_mtime >= REPEAT:
            raise KeyboardInterrupt  # the launcher ends its ranks at the second request
        if self._signalled is None:
            self._signalled = time.monotonic()
            if not self.file:  # else the launcher says it, once for all ranks
                print_line(*STOPPING.split("\n"), error=True)
        elif time.monotonic() - self._signalled >= REPEAT:
            raise KeyboardInterrupt
