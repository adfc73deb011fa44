"""Which rank this process is, from the variables that launchers set; and how worker processes end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import parent_process

from composegan.errors import UserError

RANKS = (
    "RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "JSM_NAMESPACE_RANK",
)  # fmt: skip
"""Environment variables that are 0 in the first process."""


def is_first_process() -> bool:
    """Whether this is rank 0, which alone writes files and prints; always, if there is only one."""
    return all(environment_number(name, 0) == 0 for name in RANKS)


def check_only_process() -> None:
    """Raise UserError if a variable, left over from another job, says that this process, the only one, is not the
    first: it would write nothing."""
    for name in RANKS:
        if environment_number(name, 0):
            raise UserError(
                f"{name}={os.environ[name]}: is set, but this process runs alone; unset {name}, or use torchrun or srun"
            )


def of_torchrun() -> tuple[int, int, int]:
    """(rank, processes in all, rank on this machine) that `torchrun` gave; without it (0, 1, 0)."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return 0, 1, 0
    return environment_number("RANK", 0), environment_number("WORLD_SIZE", 1), environment_number("LOCAL_RANK", 0)


def launched() -> tuple[int, int] | None:
    """(world size, processes on this machine) of torchrun or srun; None: neither started this process.

    As in Lightning, a SLURM job named bash or interactive is a shell, in which every command runs on its own.
    """
    names = ("WORLD_SIZE", "LOCAL_WORLD_SIZE")
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        names = ("SLURM_NTASKS", "SLURM_NTASKS_PER_NODE")
        if "SLURM_NTASKS" not in os.environ or os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive"):
            return None
    world = environment_number(names[0], 1)
    return world, environment_number(names[1], world)


def environment_number(name: str, default: int) -> int:
    """The environment variable as a whole number. Raises UserError if it is another text."""
    value = os.environ.get(name, str(default))
    if not (value.isascii() and value.isdigit()):
        raise UserError(f"{name}={value}: this environment variable must be a whole number; unset {name}")
    return int(value)


def lost_process(error: RuntimeError) -> bool:
    """Whether an error of gloo or NCCL says that another rank is gone."""
    signs = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Timed out waiting", "NCCL")
    return any(sign in str(error) for sign in signs)


def poll_until(true: Callable[[], object], then: Callable[[], object], over: threading.Event | None = None) -> None:
    """Poll `true` twice a second in a thread, and call `then` once it holds; stop polling when `over` is set."""
    over = over or threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            if true():
                then()
                return

    threading.Thread(target=look, daemon=True).start()


def ignore_signals(*names: str) -> None:
    """Ignore these signals, which their parent process handles, if the system has them: Windows has no SIGHUP."""
    for name in names:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def end_with_parent() -> None:
    """End this multiprocessing worker once the process it works for is gone, for whatever reason."""
    number, parent = os.getppid(), parent_process()  # differ if a forkserver forked this one
    poll_until(lambda: os.getppid() != number or not (parent is None or parent.is_alive()), lambda: os._exit(1))
