"""Which of several processes this is, told from what launchers set before anything is initialized."""

from __future__ import annotations

import os


def is_first_process() -> bool:
    """Whether this is the process that writes and speaks: always, when it is the only one."""
    return all(int(os.environ.get(name, 0)) == 0 for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def of_torchrun() -> tuple[int, int, int]:
    """(rank, processes in all, rank on this machine) that `torchrun` gave; without it (0, 1, 0)."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return 0, 1, 0
    rank, world, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    return rank, world, local
