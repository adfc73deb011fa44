"""Run one composegan command in a process of its own, with limits, and without starting long work."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

CUT = 77
"""The exit status where long work would begin."""
SPACE = 4 * 2**30
"""Bytes of address space that a command may take in addition to what the process has when it begins."""


@dataclass(frozen=True)
class Outcome:
    """status: exit status, negative signal number, or None after a timeout; growth: peak memory in bytes beyond what
    the process had when the command began; up to 300 MB of it are pages of libraries that were loaded before."""

    status: int | None
    out: str
    err: str
    seconds: float
    growth: int


def attempt(arguments: Sequence[str], folder: Path, seconds: float) -> Outcome:
    """Run `composegan ARGUMENTS` in `folder` for at most `seconds` of wall-clock time.

    The process is a fork of this one, so that torch is loaded only once. It has no terminal, a process group of its own
    and limits; whatever it leaves running is killed. Training does not begin, see `cut_long_work`.
    """
    streams = [folder / ".stdout", folder / ".stderr"]
    for path in streams:
        path.touch()
    started = time.monotonic()
    process = os.fork()
    if process == 0:
        _run(arguments, folder, streams)
    with contextlib.suppress(OSError):
        os.setpgid(process, process)  # as the child does: on a busy machine it may be killed before it gets there
    while True:
        ended, status, used = os.wait4(process, os.WNOHANG)
        took = time.monotonic() - started
        if ended or took > seconds:
            break
        time.sleep(0.002 if took < 0.5 else 0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    if not ended:
        _, _, used = os.wait4(process, 0)
    out, err = (path.read_bytes().decode("utf-8", "backslashreplace") for path in streams)
    before, _, err = err.partition("\n")  # written by `_run` first
    growth = used.ru_maxrss * 1024 - int(before or 0)
    return Outcome(os.waitstatus_to_exitcode(status) if ended else None, out, err, round(took, 3), max(0, growth))


def _run(arguments: Sequence[str], folder: Path, streams: Sequence[Path]) -> NoReturn:
    """The child's part."""
    status = 1
    try:
        os.setpgid(0, 0)
        for number, path in enumerate(streams, start=1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  as in a process of its own
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.chdir(folder)
        os.environ |= {"HOME": str(folder), "COMPOSEGAN_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
        lines = Path("/proc/self/status").read_text().splitlines()
        memory = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}
        os.write(2, f"{memory['VmRSS']}\n".encode())
        resource.setrlimit(resource.RLIMIT_AS, (memory["VmSize"] + SPACE,) * 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**30,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # Training on several devices restarts this process's own command.
        sys.argv[:], sys.modules["__main__"].__spec__ = ["composegan", *arguments], find_spec("composegan.cli")
        cut_long_work()
        from composegan.cli import main

        status = main(list(arguments))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def cut_long_work(images: int = 64, codes: int = 10_000) -> None:
    """Make this process exit with status CUT where long work would begin: at the first step of training, of an
    inversion or of an evaluation, when the studio would serve its page, before drawing or packing more than `images`
    pictures, or drawing more than `codes` codes."""
    from composegan.data import packing
    from composegan.editing import inversion_folder
    from composegan.evaluation import evaluate
    from composegan.model.saved_model import Model
    from composegan.studio import server
    from composegan.training.step import TrainingStep

    def end(*_: Any, **__: Any) -> NoReturn:
        os._exit(CUT)

    def unless_many(work: Callable[..., Any], count: Callable[..., int], most: int) -> Callable[..., Any]:
        return lambda *given, **named: end() if count(*given, **named) > most else work(*given, **named)

    owner: Any
    for owner, name in (
        (TrainingStep, "run"), (inversion_folder, "search"), (evaluate, "_open"), (server, "serve")
    ):  # fmt: skip
        getattr(owner, name)  # fails if it was renamed
        setattr(owner, name, end)

    def number_of_codes(model: Model, n: int = 16, *_: Any, pictures: Sequence[int] | None = None, **__: Any) -> int:
        return len(pictures or range(n))

    for owner, name, count, most in (
        (packing, "run", lambda source, *_, **__: len(source), images),
        (Model, "draw", lambda model, drawn, *_, **__: len(drawn), images),
        (Model, "codes", number_of_codes, codes),
    ):
        setattr(owner, name, unless_many(getattr(owner, name), count, most))
