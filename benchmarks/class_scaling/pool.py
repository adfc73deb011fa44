"""Run commands as processes, a few at a time, with their output in log files."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

PAUSE = 0.5
"""Seconds between polls of the processes."""


@dataclass(frozen=True, eq=False)
class Command:
    """arguments: the program and its arguments; log: file to which its output is appended."""

    name: str
    arguments: Sequence[str]
    log: Path


def run_all(commands: Sequence[Command], at_once: int) -> dict[str, int]:
    """Run all commands in order, `at_once` at a time. Returns the exit status of each.

    Ctrl-C and SIGTERM interrupt every process, wait for it and raise KeyboardInterrupt.
    """

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    waiting, status = list(commands), {}
    running: dict[Command, subprocess.Popen] = {}
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                command = waiting.pop(0)
                running[command] = _start(command)
                print(f"{command.name}: started, output in {command.log}", flush=True)
            for command, process in list(running.items()):
                if process.poll() is not None:
                    del running[command]
                    status[command.name] = process.returncode
                    last = "".join(command.log.read_text().strip().splitlines()[-1:])
                    end = f"failed: {last} (see {command.log})" if process.returncode else "finished"
                    print(f"{command.name}: {end}; {len(status)} of {len(commands)}", flush=True)
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        for process in running.values():
            process.send_signal(signal.SIGINT)
        for process in running.values():
            process.wait()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    return status


def _start(command: Command) -> subprocess.Popen:
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("a") as file:
        # In a session of its own: Ctrl-C in the terminal must reach it once, through `run_all`.
        return subprocess.Popen(
            command.arguments, stdout=file, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
