"""One command line of composegan in a process of its own, which has limits, is watched, and cannot train."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CUT = 77
"""The exit status where long work would begin."""

SPACE = 4 * 2**30
"""Bytes of address space that a command may take beyond what is there when it begins."""


@dataclass(frozen=True)
class Outcome:
    """status: exit status, or the negative signal it died of, or None when it was stopped after `seconds`;
    growth: bytes of memory at its height, beyond what the process had when the command began; up to 300 MB of them are
    pages of libraries that were loaded before."""

    status: int | None
    out: str
    err: str
    seconds: float
    growth: int

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def attempt(arguments: Sequence[str], folder: Path, seconds: float) -> Outcome:
    """`composegan ARGUMENTS` in `folder`, for at most so many seconds of wall-clock time.

    The process is a fork of this one, so that torch is loaded once. It has no terminal, its own group and a limit to
    its memory, and what it leaves running is ended. Training does not begin, see `cut_long_work`.
    """
    streams = [folder / ".stdout", folder / ".stderr"]
    started = time.monotonic()
    process = os.fork()
    if process == 0:
        _run(arguments, folder, streams)
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
    before, _, err = err.partition("\n")  # what `_run` writes first
    growth = used.ru_maxrss * 1024 - int(before or 0)
    return Outcome(os.waitstatus_to_exitcode(status) if ended else None, out, err, round(took, 3), max(0, growth))


def _run(arguments: Sequence[str], folder: Path, streams: Sequence[Path]) -> None:
    """What the child does. It never returns."""
    status = 1
    try:
        os.setpgid(0, 0)
        _redirect(streams)
        os.chdir(folder)
        os.environ |= {"HOME": str(folder), "COMPOSEGAN_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
        memory = _memory()
        os.write(2, f"{memory['VmRSS']}\n".encode())
        resource.setrlimit(resource.RLIMIT_AS, (memory["VmSize"] + SPACE,) * 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**30,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # A training on several devices starts the others by this process's own command.
        sys.argv[:], sys.modules["__main__"].__spec__ = ["composegan", *arguments], find_spec("composegan.cli")
        cut_long_work()
        from composegan.cli import main

        status = main(list(arguments))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _redirect(streams: Sequence[Path]) -> None:
    for number, path in enumerate(streams, start=1):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  as a process of its own has them
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _memory() -> dict[str, int]:
    """Bytes, from /proc: VmSize, VmRSS and more."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}


def cut_long_work(images: int = 64, codes: int = 10_000) -> None:
    """From here on the process ends with the status CUT where work would begin that takes long by its nature: at the
    first step of training, of an inversion or of an evaluation; where more than `images` pictures would be drawn or
    packed; and where more than `codes` codes would be drawn."""
    from composegan.data import packing
    from composegan.editing import inversion_folder
    from composegan.evaluation import evaluate
    from composegan.model import codes as editing_codes
    from composegan.model import sample
    from composegan.training.module import CompositionModule

    CompositionModule.training_step = inversion_folder.search = evaluate.evaluate = _end
    packing.run = _unless_many(packing.run, lambda source, *_: len(source), images)
    sample.draw = _unless_many(sample.draw, lambda model, codes, *_, **__: len(codes), images)
    editing_codes.draw_codes = _unless_many(
        editing_codes.draw_codes, lambda model, n=0, pictures=None, **_: len(pictures or range(n)), codes
    )


def _end(*_: Any, **__: Any) -> None:
    os._exit(CUT)


def _unless_many(work: Callable[..., Any], count: Callable[..., int], most: int) -> Callable[..., Any]:
    def checked(*given: Any, **named: Any) -> Any:
        return _end() if count(*given, **named) > most else work(*given, **named)

    return checked
