"""Several processes as one: each phase's gradients are averaged in one flat all-reduce.

DistributedDataParallel counts on one backward pass a step; a step here has up to four, two of them through
gradients of gradients. So nothing is wrapped: a phase does its backward pass and then calls `average_gradients`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import distributed
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

from composegan.config.errors import UserError
from composegan.config.schema import TrainerConfig


def device_count(settings: TrainerConfig) -> int:
    """How many devices of this machine take part. Raises UserError when `trainer.devices` is no number and not auto."""
    if settings.devices.isdigit() and int(settings.devices) > 0:
        return int(settings.devices)
    if settings.devices != "auto":
        raise UserError(f"trainer.devices={settings.devices}: a number from 1, or auto")
    return max(1, torch.cuda.device_count()) if settings.accelerator in ("auto", "gpu", "cuda") else 1


def is_first_process() -> bool:
    """Whether this is the process that writes, told from what launchers set before anything is initialized."""
    return all(int(os.environ.get(name, 0)) == 0 for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def world() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace each gradient by its mean over all processes. A parameter without one counts as zero."""
    if world() == 1:
        return
    parameters = list(parameters)
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = _flatten_dense_tensors(gradients)
    distributed.all_reduce(flat)
    flat /= world()
    for parameter, gradient in zip(parameters, _unflatten_dense_tensors(flat, gradients), strict=True):
        parameter.grad = gradient.view_as(parameter)


def same_everywhere(module: torch.nn.Module) -> None:
    """Give every process the first one's parameters and buffers."""
    if world() > 1:
        for tensor in module.state_dict().values():
            distributed.broadcast(tensor, src=0)


class PlainDDPStrategy(DDPStrategy):
    """Lightning's DDP set-up (processes, devices, launch) without its wrapper around the model."""

    def configure_ddp(self) -> None:
        same_everywhere(self.lightning_module)
