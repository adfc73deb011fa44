"""Averages over ranks: each phase's gradients are averaged in one flat all-reduce.

DistributedDataParallel expects one backward pass per step. A step here has up to four, two of them through gradients of
gradients, so nothing is wrapped: a phase runs its backward passes and then calls `average_gradients`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, distributed


def world() -> int:
    """The world size: how many ranks train together."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def average(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor, in place, by its mean over ranks, with one all-reduce.

    In place keeps the memory order, which fused Adam expects to be the parameter's.
    """
    if world() == 1:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    distributed.all_reduce(flat)
    flat /= world()
    for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view(tensor.shape))


def all_reduce_max(number: int, device: torch.device) -> int:
    """The largest of all ranks' numbers."""
    if world() == 1:
        return number
    flat = torch.tensor(number, device=device)
    distributed.all_reduce(flat, distributed.ReduceOp.MAX)
    return int(flat)


def first_message(text: str | None) -> str | None:
    """The text of the first rank that has one; None: none has."""
    if world() == 1:
        return text
    texts: list[str | None] = [None] * world()
    distributed.all_gather_object(texts, text)
    return next((each for each in texts if each), None)


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.clone()
        average([x])
        return x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _Mean.forward(ctx, gradient)


def all_reduce_mean(x: Tensor) -> Tensor:
    """The mean over ranks, as a new tensor.

    Gradients flow to all ranks, as in one batch of all their images, so all must also run the backward pass.
    """
    return x if world() == 1 else _Mean.apply(x)


def average_gradients(parameters: Iterable[torch.nn.Parameter], reached: list[bool]) -> None:
    """Replace each gradient by its mean over ranks.

    Where only other ranks have a gradient, it counts as zero here; where no rank has one it stays None, so that Adam
    skips the parameter as it does on one device.
    reached: which parameters have a gradient on any rank; filled in, which synchronizes, if it is empty.
    """
    if world() == 1:
        return
    parameters = list(parameters)
    if not reached:
        own = torch.tensor([float(parameter.grad is not None) for parameter in parameters], device=parameters[0].device)
        average([own])
        reached += (own > 0).tolist()
    for parameter, anywhere in zip(parameters, reached, strict=True):
        if anywhere and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        elif not anywhere and parameter.grad is not None:
            raise RuntimeError("a parameter has a gradient now that it had in no process in the first such phase")
    average([parameter.grad for parameter in parameters if parameter.grad is not None])


def same_everywhere(module: torch.nn.Module) -> None:
    """Give all ranks the parameters and buffers of rank 0."""
    as_in_first_process(module.state_dict().values())


def as_in_first_process(tensors: Iterable[Tensor]) -> None:
    """Replace each tensor, in place, by that of rank 0."""
    if world() > 1:
        for tensor in tensors:
            distributed.broadcast(tensor, src=0)
