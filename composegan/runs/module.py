"""Lightning's view of a training step."""

from __future__ import annotations

from typing import Any, cast

import lightning
import torch
from torch import Tensor

from composegan.networks.class_sets import classes_in
from composegan.training.step import TrainingStep


class CompositionModule(lightning.LightningModule):
    """Hands batches, optimizers and backward passes to `step`, which does the training.

    Callbacks find the networks in `step.generator`, `step.average` (the averaged generator) and `step.discriminator`,
    progress in `step.images_seen` and the latest figures in `step.figures`.
    """

    def __init__(self, step: TrainingStep) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.step = step

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """The generator's and the discriminator's."""
        return list(self.step.optimizers.values())

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """The batch on the device, and on the CPU the classes in its label maps, which decide sizes of tensors."""
        classes = classes_in(batch["labels"], self.step.generator.classes)
        return {**super().transfer_batch_to_device(batch, device, dataloader_idx), "classes": classes}

    def training_step(self, batch: dict[str, Tensor]) -> None:
        """One step; batch: see `TrainingStep.run`."""
        optimizers = dict(zip(self.step.optimizers, self.optimizers(), strict=True))
        self.step.run(batch, self.global_rank, optimizers, self.manual_backward)


def step_of(module: lightning.LightningModule) -> TrainingStep:
    """The training step of the module that callbacks are given."""
    return cast(CompositionModule, module).step
