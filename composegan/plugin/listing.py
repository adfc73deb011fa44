"""Everything that is registered, each with the number of its classes or the reason why it cannot be used.

A plugin of another package is imported in a child process: whatever its import does (hang, exit, print, start threads,
raise anything) ends in its row and leaves the caller as it was.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace

from composegan.plugin import registry
from composegan.plugin.contracts import DOMAIN, KINDS, Kind
from composegan.plugin.entry_points import one_line
from composegan.plugin.plugin_folder import Registered
from composegan.plugin.registry import Found

TIME_LIMIT = 20.0
"""Seconds that an import may take."""

AT_ONCE = 8
"""Child processes that run side by side."""

CHILD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from composegan.plugin.listing import answer
answer(sys.argv[2], json.loads(sys.argv[3]))
"""


def listing(kinds: Sequence[Kind] = (DOMAIN,), path: Sequence[str] | None = None, name: str = "") -> list[Found]:
    """A row per registered plugin of some kinds, sorted by kind and name, without the plugin itself.

    path: folders to search; None: `sys.path`. name: only the rows of that name. Does not raise: a plugin that cannot be
    used has an `error`. Takes about as long as the slowest import.
    """
    pairs = [pair for kind in kinds for pair in registry.registered(kind, path) if name in ("", pair[1].name)]
    rows = [row for row, _ in pairs]
    foreign = []
    for index, (row, item) in enumerate(pairs):
        if row.error is None and registry.is_own_entry(item):
            rows[index] = _without_plugin(registry.load_item(item, row.kind))
        elif row.error is None:
            foreign.append(index)
    answers = _import_each([(rows[index], pairs[index][1]) for index in foreign])
    for index, row in zip(foreign, answers, strict=True):
        rows[index] = row
    return rows


def _without_plugin(found: Found) -> Found:
    classes = len(found.plugin.spec.classes) if found.plugin and found.kind is DOMAIN else None
    return replace(found, plugin=None, classes=classes)


def _import_each(pairs: Sequence[tuple[Found, Registered]]) -> list[Found]:
    """The row of each entry point after importing it in a child process, several at a time."""
    rows = [row for row, _ in pairs]
    waiting = list(range(len(pairs)))
    running: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                index = waiting.pop(0)
                try:
                    running[index] = _start(*pairs[index]), time.monotonic()
                except OSError as error:
                    rows[index] = replace(rows[index], error=f"no process to import it in: {one_line(error)}")
            for index, (child, start) in list(running.items()):
                ended = child.poll() is not None
                if ended or time.monotonic() > start + TIME_LIMIT:
                    rows[index] = _row(pairs[index][0], child, ended)
                    _end(running.pop(index)[0])
            time.sleep(0.005)
    finally:
        for child, _ in running.values():
            _end(child)
    return rows


def _start(row: Found, item: Registered) -> subprocess.Popen[bytes]:
    path = json.dumps([place for place in sys.path if isinstance(place, str)])
    command = [sys.executable, "-P", "-c", CHILD, path, row.kind.group, json.dumps(asdict(item))]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,  # not ended by Ctrl-C, but by `_end`
    )  # fmt: skip


def answer(group: str, fields: dict[str, str]) -> None:
    """In the child process: import an entry point, and write [error, number of classes] to stdout, as JSON."""
    out, nowhere = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # for what the import reads and prints
        os.dup2(nowhere, stream)
    if hasattr(signal, "alarm"):
        signal.alarm(int(TIME_LIMIT) + 10)  # in case the parent process is killed
    kind = next(kind for kind in KINDS if kind.group == group)
    leave = os._exit
    try:
        row = _without_plugin(registry.load_item(Registered(**fields), kind))
        found = [row.error, row.classes]
    except BaseException as error:
        found = [f"{fields['target']}: {one_line(error)}", None]
    os.write(out, json.dumps(found).encode())
    leave(0)  # without waiting for its threads


def _row(row: Found, child: subprocess.Popen[bytes], ended: bool) -> Found:
    """What a child process found out about an entry point."""
    if not ended:
        return replace(row, error=f"its import takes longer than {TIME_LIMIT:g} s")
    assert child.stdout
    try:
        os.set_blocking(child.stdout.fileno(), False)  # a process that the import started may hold it open
        error, classes = json.loads(os.read(child.stdout.fileno(), 2**16))
    except (OSError, ValueError, TypeError):
        return replace(row, error=f"its import ended the process, with exit status {child.returncode}")
    return replace(row, error=error and str(error), classes=classes if isinstance(classes, int) else None)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child process and those that it started."""
    with suppress(OSError, AttributeError):  # no process is left; no groups on Windows
        os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()
    if child.stdout:
        child.stdout.close()
