"""What a command is started in: its folder, its environment variables, its limits and its CPUs."""

from __future__ import annotations

import os
import sys

from composegan.errors import UserError
from composegan.runtime.ranks import RANKS, environment_number

OPEN_FILES = 128
"""Open files that a run needs at least: data workers and shared libraries have most of them."""

SIZES = (
    "WORLD_SIZE", "LOCAL_WORLD_SIZE", "SLURM_NTASKS", "SLURM_NTASKS_PER_NODE", "SLURM_NNODES", "OMPI_COMM_WORLD_SIZE",
)  # fmt: skip
"""Environment variables of launchers that count processes or machines."""

NUMBERS = (
    *RANKS, *SIZES, "GROUP_RANK", "MASTER_PORT", "SLURM_LOCALID", "SLURM_NODEID", "OMPI_COMM_WORLD_LOCAL_RANK",
)  # fmt: skip
"""Environment variables of launchers that composegan, Lightning or torch read as whole numbers."""


def check_surroundings() -> None:
    """Raise UserError for surroundings in which no command can run; raise the limit of open files if it is low."""
    try:
        os.getcwd()
    except OSError as error:
        raise UserError("the working folder: does not exist any more; change to another one with cd") from error
    for name in NUMBERS:
        environment_number(name, 0)
    for name in SIZES:
        if not environment_number(name, 1):
            raise UserError(f"{name}=0: this environment variable must be 1 or more; unset {name}")
    for rank, size in (("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS")):
        if environment_number(rank, 0) and size not in os.environ:  # left over from another job
            raise UserError(f"{rank}={os.environ[rank]}: is set without {size}; unset {rank}, or use torchrun or srun")
    _allow_open_files()


def usable_cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _allow_open_files() -> None:
    if sys.platform == "win32":
        return
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (sys.maxsize if limit == resource.RLIM_INFINITY else limit for limit in limits)
    if hard < OPEN_FILES:
        needed = f"a run needs up to {OPEN_FILES} open files; raise the limit, as with ulimit -n 1024"
        raise UserError(f"ulimit -n {hard}: {needed}")
    if soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1024), limits[1]))
