"""The gradient of each class on the weights that its group shares, taken from a backward pass of training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from composegan.networks.local_bank import LocalBank
from composegan.runtime.distributed import average


@contextmanager
def add_class_gradients(bank: LocalBank, total: Tensor | None) -> Iterator[None]:
    """Add to `total` (L, K, C, C) every class's gradient on the layers' weights from a backward pass in the block.

    The gradients are averaged over ranks, so that `total` is the same on all. None: nothing is measured.
    """
    if total is None:
        yield
        return
    probe = bank.probe = torch.zeros_like(total).requires_grad_()
    try:
        yield
        assert probe.grad is not None
        average([probe.grad])
        total += probe.grad
    finally:
        bank.probe = None
