"""The Lightning trainer: devices, precision, process-wide settings of torch, and what is worth a line on screen."""

from __future__ import annotations

import logging
import os
import warnings

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException

from composegan.config.schema import Config
from composegan.errors import UserError
from composegan.runs.devices import device_count
from composegan.runs.launch import LaunchedStrategy
from composegan.runtime.memory import keep_freed_memory
from composegan.runtime.ranks import launched

OTHER_LAUNCHERS = ("MASTER_ADDR", "LSB_JOBID", "OMPI_COMM_WORLD_RANK")
"""What is in the environment when something else than torchrun or srun has started processes on several machines."""

NEEDLESS = (
    ".*does not have many workers.*",
    ".*GPU available but not used.*",
    ".*`isinstance.treespec.*",
    r"Found \d+ module\(s\) in eval mode.*",  # the averaged generator, which is never in any other
)
"""Warnings that are no news here."""


def make_trainer(config: Config) -> lightning.Trainer:
    """A trainer for the devices that `config` names, with nothing of its own but the loop: the rest are our callbacks.

    Raises UserError when there are no such devices, or the batch cannot be shared out evenly among them.
    """
    tune(config)
    devices = device_count(config.trainer)
    _check_launch(devices, config.trainer.num_nodes)
    try:
        trainer = lightning.Trainer(
            accelerator=config.trainer.accelerator,
            devices=devices,
            num_nodes=config.trainer.num_nodes,
            strategy="auto" if devices * config.trainer.num_nodes == 1 else LaunchedStrategy(),
            precision=precision(config),
            max_epochs=-1,
            min_epochs=0,
            limit_val_batches=0,
            use_distributed_sampler=False,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            deterministic="warn" if config.trainer.deterministic else None,
        )
    except MisconfigurationException as error:
        wanted = f"trainer.accelerator={config.trainer.accelerator} trainer.devices={config.trainer.devices}"
        raise UserError(f"{wanted}: {' '.join(str(error).split())}") from error
    if config.training.batch % trainer.world_size:
        raise UserError(f"training.batch={config.training.batch} is not a multiple of the {trainer.world_size} devices")
    if (own := config.training.batch // trainer.world_size) % (parts := config.trainer.accumulate):
        raise UserError(f"trainer.accumulate={parts}: does not divide the {own} images that a device has of a batch")
    return trainer


def _check_launch(devices: int, nodes: int) -> None:
    """Whether a launcher has started as many processes as there are to be: else some would wait for ever."""
    if launched() is None and nodes > 1 and not any(name in os.environ for name in OTHER_LAUNCHERS):
        raise UserError(
            f"trainer.num_nodes={nodes}: the other machines would be waited for, and no launcher has started anything "
            "there; torchrun and srun do, see docs/distributed.md"
        )
    if (started := launched()) and started[0] != devices * nodes:
        given = f"trainer.devices={devices} trainer.num_nodes={nodes} are {devices * nodes} processes"
        right = f"trainer.num_nodes={max(1, started[0] // started[1])} and leave trainer.devices=auto"
        raise UserError(f"{given}, and {started[0]} were started, {started[1]} on this machine; give {right}")


def precision(config: Config) -> str:
    """Lightning's word for `training.precision`; auto is bf16-mixed on a GPU that has it."""
    wanted = config.training.precision
    if wanted == "auto":
        on_gpu = config.trainer.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        wanted = "bf16" if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    return {"32": "32-true", "bf16": "bf16-mixed"}[wanted]


def tune(config: Config) -> None:
    """Process-wide settings of torch that make training faster or repeatable; and quiet where there is no news."""
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    keep_freed_memory()
    # Gradients through a softmax of depths become denormal, which CPUs compute ten times slower.
    torch.set_flush_denormal(True)
    torch.backends.cudnn.benchmark = not config.trainer.deterministic
    for words in NEEDLESS:
        warnings.filterwarnings("ignore", words)
    for name in ("lightning.pytorch", "lightning.fabric"):  # which devices there are, tips, who joined; warnings stay
        logging.getLogger(name).setLevel(logging.WARNING)
