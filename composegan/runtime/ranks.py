"""Which of several processes this is, told from what launchers set before anything is initialized; and when it ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from multiprocessing import parent_process


def is_first_process() -> bool:
    """Whether this is the process that writes and speaks: always, when it is the only one."""
    of_launchers = ("SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "JSM_NAMESPACE_RANK")
    names = ("RANK", "LOCAL_RANK", "NODE_RANK", *of_launchers)
    return all(int(os.environ.get(name, 0)) == 0 for name in names)


def of_torchrun() -> tuple[int, int, int]:
    """(rank, processes in all, rank on this machine) that `torchrun` gave; without it (0, 1, 0)."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return 0, 1, 0
    rank, world, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    return rank, world, local


def launched() -> tuple[int, int] | None:
    """(processes in all, on this machine) that torchrun or srun has started; None: nobody has started any.

    A job named bash or interactive, for Lightning as well, is a shell in which each command is on its own.
    """
    names = ("WORLD_SIZE", "LOCAL_WORLD_SIZE")
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        names = ("SLURM_NTASKS", "SLURM_NTASKS_PER_NODE")
        if "SLURM_NTASKS" not in os.environ or os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive"):
            return None
    world = int(os.environ[names[0]])
    return world, int(os.environ.get(names[1], world))


def lost_process(error: RuntimeError) -> bool:
    """Whether an error is that another process is gone, as gloo and NCCL tell it."""
    signs = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Timed out waiting", "NCCL")
    return any(sign in str(error) for sign in signs)


def poll_until(true: Callable[[], object], then: Callable[[], object], over: threading.Event | None = None) -> None:
    """Look twice a second, in a thread, whether something is true, and then do `then`. Not any more if it is `over`."""
    over = over or threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            if true():
                then()
                return

    threading.Thread(target=look, daemon=True).start()


def end_with_parent() -> None:
    """End this process, one of multiprocessing's, once the one that it works for is gone, however that went."""
    number, parent = os.getppid(), parent_process()  # the same process, unless a server has forked this one
    poll_until(lambda: os.getppid() != number or not (parent is None or parent.is_alive()), lambda: os._exit(1))
