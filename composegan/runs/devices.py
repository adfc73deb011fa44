"""Which devices take part in a run, and the strategy by which Lightning sets up their processes."""

from __future__ import annotations

import torch
from lightning.pytorch.strategies import DDPStrategy

from composegan.config.schema import TrainerConfig
from composegan.errors import UserError
from composegan.runtime.distributed import same_everywhere
from composegan.runtime.ranks import launched


def device_count(settings: TrainerConfig) -> int:
    """How many devices of this machine take part; auto: as many as a launcher has started processes, or as there are.

    Raises UserError when `trainer.devices` is no number and not auto.
    """
    if settings.devices.isdigit() and int(settings.devices) > 0:
        return int(settings.devices)
    if settings.devices != "auto":
        raise UserError(f"trainer.devices={settings.devices}: a number from 1, or auto")
    if started := launched():
        return started[1]
    return max(1, torch.cuda.device_count()) if settings.accelerator in ("auto", "gpu", "cuda") else 1


class PlainDDPStrategy(DDPStrategy):
    """Lightning's DDP set-up (processes, devices, launch) without its wrapper around the model."""

    def configure_ddp(self) -> None:
        same_everywhere(self.lightning_module)
