"""The least that has Lightning's traps in it: two networks, two optimizers, one batch after another without end."""

import lightning
import torch
from torch import nn


class PlainGan(lightning.LightningModule):
    """Two steps of optimizers for each batch. seen: the number of each batch it was trained on."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.discriminator = nn.Linear(2, 2), nn.Linear(2, 1)
        self.seen = []

    def configure_optimizers(self):
        return [torch.optim.SGD(network.parameters(), lr=0.1) for network in (self.generator, self.discriminator)]

    def training_step(self, batch):
        self.seen.append(int(batch[0]))
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            self.manual_backward(self.discriminator(self.generator(batch)).sum())
            optimizer.step()


class Numbers:
    """A loader of batches 0, 1, 2, ... that says where it is, as Lightning asks loaders to."""

    def __init__(self):
        self.next = 0

    def __iter__(self):
        while True:
            self.next += 1
            yield torch.full((2,), float(self.next - 1))

    def state_dict(self):
        return {"next": self.next}

    def load_state_dict(self, state):
        self.next = state["next"]


class CountedNumbers(Numbers):
    def __len__(self):
        return 1000


def plain_trainer(**settings):
    """Lightning's trainer on the CPU, quiet and without files. max_steps: of optimizers."""
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    return lightning.Trainer(accelerator="cpu", devices=1, max_epochs=-1, **dict.fromkeys(quiet, False), **settings)
