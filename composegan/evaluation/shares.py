"""Share work among several processes: `torchrun --nproc-per-node=2 -m composegan.cli evaluate ...`.

The work is cut into the same pieces for any number of processes, so the figures are the same as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar, cast

import torch
from torch import distributed

from composegan.errors import UserError
from composegan.runtime.distributed import world
from composegan.runtime.ranks import lost_process, of_torchrun

T = TypeVar("T")
PATIENCE = timedelta(days=1)
"""One process may read a large real set while the others wait for it."""


@contextmanager
def together() -> Iterator[bool]:
    """Within the block, the processes that torchrun started can share work. Yields whether this is the first.

    Each process uses the GPU of its local rank, if there are GPUs. Raises UserError if another process has ended.
    """
    number, processes, local = of_torchrun()
    if processes == 1:
        yield True
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(local % torch.cuda.device_count())
    distributed.init_process_group("gloo", timeout=PATIENCE)
    try:
        yield number == 0
    except RuntimeError as error:
        if lost_process(error):
            raise UserError(f"another of the {processes} processes has ended; see its error above") from error
        raise
    finally:
        distributed.destroy_process_group()


def rank() -> int:
    """This process's number."""
    return distributed.get_rank() if world() > 1 else 0


def is_first() -> bool:
    """Whether this is rank 0, which reports the figures."""
    return rank() == 0


def share(pieces: Iterable[T]) -> Iterator[T]:
    """This process's part of the pieces, which are the same in all processes; all of them in a single process."""
    return (piece for number, piece in enumerate(pieces) if number % world() == rank())


def gathered(result: T) -> list[T]:
    """The result of each process, in all of them."""
    if world() == 1:
        return [result]
    found: list[T | None] = [None] * world()
    distributed.all_gather_object(found, result)
    return cast("list[T]", found)


def joined(results: list[T]) -> list[T]:
    """The results of all processes for their shares, one for each piece, in the order of the pieces."""
    shares = gathered(results)
    return [shares[number % len(shares)][number // len(shares)] for number in range(sum(map(len, shares)))]


@contextmanager
def first_alone() -> Iterator[None]:
    """Run the block in the first process before the others, which then find the files that it cached."""
    if not is_first():
        distributed.barrier()
    yield
    if is_first() and world() > 1:
        distributed.barrier()
