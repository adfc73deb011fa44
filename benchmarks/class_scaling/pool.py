"""A few processes at a time, until all jobs are done. What they say goes to files."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PAUSE = 0.5
"""Seconds between looks at the processes."""


@dataclass(frozen=True)
class Job:
    """command: to run; log: file for all it says, added to."""

    name: str
    command: Sequence[str]
    log: Path


def work_off(jobs: Sequence[Job], at_once: int, look: Callable[[], None] = lambda: None) -> dict[str, int]:
    """Run all jobs in order, `at_once` at a time. look: called now and then.

    Returns the exit status of each. On Ctrl-C or SIGTERM all are asked to stop and waited for; then KeyboardInterrupt.
    """
    waiting, running, status = list(jobs), {}, {}
    with _told_by(signal.SIGTERM):
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    job = waiting.pop(0)
                    running[job.name] = _start(job)
                    print(f"{job.name}: started, says what it does in {job.log}", flush=True)
                for name, process in list(running.items()):
                    if process.poll() is not None:
                        status[name] = running.pop(name).returncode
                look()
                time.sleep(PAUSE)
        except KeyboardInterrupt:
            for process in running.values():
                process.send_signal(signal.SIGINT)
            for process in running.values():
                process.wait()
            raise
    return status


def _start(job: Job) -> subprocess.Popen:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("a") as file:
        # In a session of its own, so that Ctrl-C comes once, from here.
        return subprocess.Popen(
            job.command, stdout=file, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip


@contextmanager
def _told_by(number: signal.Signals):
    """Within the block the signal is like Ctrl-C."""

    def told(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, told)
    try:
        yield
    finally:
        signal.signal(number, before)
