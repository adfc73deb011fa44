"""Work that several processes do together: `torchrun --nproc-per-node=2 -m composegan.cli evaluate ...`.

The work is cut into the same pieces however many processes there are, so that the figures are the same as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed

from composegan.errors import UserError
from composegan.runtime.ranks import lost_process, of_torchrun

T = TypeVar("T")
PATIENCE = timedelta(days=1)
"""One process may read a large real set while the others wait."""


@contextmanager
def together() -> Iterator[bool]:
    """Within the block, the processes that torchrun has started can share work. Yields whether this is the first.

    Each takes the GPU of its number, where there are GPUs. Raises UserError when another one has ended.
    """
    rank, world, local = of_torchrun()
    if world == 1:
        yield True
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(local % torch.cuda.device_count())
    distributed.init_process_group("gloo", timeout=PATIENCE)
    try:
        yield rank == 0
    except RuntimeError as error:
        if lost_process(error):
            raise UserError(f"another of the {world} processes has ended; what it said is above") from error
        raise
    finally:
        distributed.destroy_process_group()


def is_first() -> bool:
    """Whether this is the process that has the figures in the end."""
    return _place()[0] == 0


def share(pieces: Iterable[T]) -> Iterator[T]:
    """Of the pieces, which are the same in all processes, those that this one is to do: every one, when it is alone."""
    rank, world = _place()
    return (piece for number, piece in enumerate(pieces) if number % world == rank)


def gathered(result: T) -> list[T]:
    """What each process has, in all of them."""
    _, world = _place()
    if world == 1:
        return [result]
    found: list[T] = [None] * world
    distributed.all_gather_object(found, result)
    return found


def joined(results: list[T]) -> list[T]:
    """What all processes made of their shares, a result for each piece, in the order of the pieces."""
    shares = gathered(results)
    return [shares[number % len(shares)][number // len(shares)] for number in range(sum(map(len, shares)))]


@contextmanager
def first_alone() -> Iterator[None]:
    """The first process does the block before the others do: what it keeps in files they find there."""
    rank, world = _place()
    if rank > 0:
        distributed.barrier()
    yield
    if rank == 0 and world > 1:
        distributed.barrier()


def _place() -> tuple[int, int]:
    """(number of this process, how many there are)."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()
