"""What each class asks of the weights that it shares: measured in a backward pass that is done anyway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from composegan.networks.local_bank import LocalBank
from composegan.runtime.distributed import average


@contextmanager
def watched(bank: LocalBank, total: Tensor | None) -> Iterator[None]:
    """Adds to `total` (L, K, C, C) the gradient of every class on the layers' weights, from a backward pass within.

    The mean over all processes, so that `total` is the same in each. None: nothing is watched.
    """
    if total is None:
        yield
        return
    bank.probe = torch.zeros_like(total).requires_grad_()
    try:
        yield
        average([bank.probe.grad])
        total += bank.probe.grad
    finally:
        bank.probe = None
