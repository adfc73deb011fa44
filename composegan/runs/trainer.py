"""The Lightning trainer: devices, precision, process-wide settings of torch and which messages are shown."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.strategies import DDPStrategy

from composegan.config.schema import Config, TrainerConfig
from composegan.errors import UserError
from composegan.runtime.distributed import same_everywhere
from composegan.runtime.memory import keep_freed_memory
from composegan.runtime.ranks import check_only_process, launched

OTHER_LAUNCHERS = ("LOCAL_RANK", "LSB_JOBID", "OMPI_COMM_WORLD_RANK")
"""Environment variables of launchers other than torchrun and srun that Lightning knows."""

NEEDLESS = (
    ".*does not have many workers.*",
    ".*Consider setting `persistent_workers=True`.*",  # the loader is iterated once
    ".*GPU available but not used.*",
    ".*`isinstance.treespec.*",
    r"Found \d+ module\(s\) in eval mode.*",  # the averaged generator, always in eval mode
)
"""Warnings that say nothing new here."""


class PlainDDPStrategy(DDPStrategy):
    """Lightning's DDP set-up (process group, devices) without the DistributedDataParallel wrapper."""

    def configure_ddp(self) -> None:
        """Make the weights the same on all ranks; `training.step` averages the gradients."""
        assert self.lightning_module is not None
        same_everywhere(self.lightning_module)


def make_trainer(config: Config) -> lightning.Trainer:
    """A trainer for the devices that `config` names, without loggers and callbacks.

    Raises UserError when there are no such devices, or the batch does not divide among them.
    """
    return _trainer(config, precision=precision(config))


def world_size(config: Config) -> int:
    """How many ranks train together; creates no CUDA context. Raises UserError as `make_trainer`."""
    return _trainer(config).world_size


def needs_launch(ranks: int) -> bool:
    """Whether so many ranks still have to be started: no launcher has."""
    return ranks > 1 and launched() is None and not any(name in os.environ for name in OTHER_LAUNCHERS)


def _trainer(config: Config, **more: Any) -> lightning.Trainer:
    tune(config)
    settings = config.trainer
    devices = devices_of(settings)
    count = len(devices) if isinstance(devices, list) else devices
    _check_launch(count, settings.num_nodes)
    try:
        trainer = lightning.Trainer(
            accelerator=settings.accelerator,
            devices=devices,
            num_nodes=settings.num_nodes,
            strategy="auto" if count * settings.num_nodes == 1 else PlainDDPStrategy(),
            max_epochs=-1,
            min_epochs=0,
            limit_val_batches=0,
            use_distributed_sampler=False,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            deterministic="warn" if settings.deterministic else None,
            **more,
        )
    except (MisconfigurationException, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "ntasks" not in str(error):  # Lightning's, about a SLURM script
            raise
        wanted = f"trainer.accelerator={settings.accelerator} trainer.devices={settings.devices}"
        raise UserError(f"{wanted}: {' '.join(str(error).split())}") from error
    if trainer.is_global_zero:
        check_only_process()
    if config.training.batch % trainer.world_size:
        raise UserError(f"training.batch={config.training.batch} is not a multiple of the {trainer.world_size} devices")
    if (own := config.training.batch // trainer.world_size) % (parts := settings.accumulate):
        raise UserError(f"trainer.accumulate={parts}: does not divide the {own} images that a device has of a batch")
    return trainer


def devices_of(settings: TrainerConfig) -> int | list[int]:
    """The devices of this machine that train: how many, or the numbers of GPUs.

    auto: as many as a launcher has started processes, or else all GPUs, or one CPU. -1: all GPUs.
    Raises UserError when they are not there, or `trainer.devices` is none of auto, -1, a count, a list such as 0,2.
    """
    wanted = settings.devices
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    gpus = torch.cuda.device_count() if settings.accelerator in ("auto", "gpu", "cuda") else 0
    if wanted == "auto":
        started = launched()
        return started[1] if started else max(1, gpus)
    numbers = list(range(gpus)) if wanted == "-1" else [int(each) for each in wanted.split(",") if each.isdigit()]
    if wanted != "-1" and len(numbers) != max(1, wanted.count(",")) + 1:
        raise UserError(f"trainer.devices={wanted}: auto, a number from 1, -1 for all GPUs, or GPUs such as 0,2")
    if not gpus or max(numbers) >= gpus or len(set(numbers)) < len(numbers):
        have = f"0 to {gpus - 1}" if gpus > 1 else "0" if gpus else "no GPUs that may be used; give a number or auto"
        raise UserError(f"trainer.devices={wanted}: names GPUs, each once, and there are {have}")
    return numbers


def _check_launch(devices: int, nodes: int) -> None:
    """Check that a launcher started as many processes as there are to be; otherwise some would wait forever."""
    started = launched()
    if started is None and nodes > 1 and not any(name in os.environ for name in OTHER_LAUNCHERS):
        raise UserError(
            f"trainer.num_nodes={nodes}: start the processes on all machines with torchrun or srun, "
            "see docs/distributed.md"
        )
    if started and started[0] != devices * nodes:
        given = f"trainer.devices={devices} trainer.num_nodes={nodes} are {devices * nodes} processes"
        right = f"trainer.num_nodes={max(1, started[0] // started[1])} and leave trainer.devices=auto"
        raise UserError(f"{given}, and {started[0]} were started, {started[1]} on this machine; give {right}")


def precision(config: Config) -> str:
    """Lightning's name for `training.precision`; auto is bf16-mixed on GPUs that support it."""
    wanted = config.training.precision
    if wanted == "auto":
        on_gpu = config.trainer.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        wanted = "bf16" if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    return {"32": "32-true", "bf16": "bf16-mixed"}[wanted]


def tune(config: Config) -> None:
    """Set what makes torch faster or repeatable in this process, and hide messages without news."""
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    keep_freed_memory()
    # Gradients through a softmax of depths become denormal, and CPUs compute those ten times slower.
    torch.set_flush_denormal(True)
    torch.backends.cudnn.benchmark = not config.trainer.deterministic
    for words in NEEDLESS:
        warnings.filterwarnings("ignore", words)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
