"""The face networks at the paper's widths and tiny ones, random batches, and training steps to time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.measure import seconds_of
from composegan.config.schema import TrainingConfig
from composegan.networks.class_sets import ClassSets, classes_in
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.training.objective import objective
from composegan.training.phases import Logs, Phase, Real, State
from composegan.training.step import run_phase

TINY_RUN = """
recipe=quick_paper data.height=16 data.width=16 data.workers=0 trainer.accelerator=cpu trainer.threads=1
model.latent_channels=16 model.mapping_layers=2 model.local_layers=3 model.base_layers=1 model.depth_layers=2
model.local_channels=8 model.coarse_channels=8 model.coarse_size=8 model.min_feat_size=4 model.max_channels=8
model.discriminator_max_channels=8 training.batch=2 training.r1_every=2 training.path_every=2 output.samples=2
output.score_every=0
"""
"""Settings of `composegan fit` for a run that takes seconds, with every phase within two steps."""

CLASSES, TRANSPARENT = 13, (10, 12)
SMALL: dict[str, Any] = {
    "latent_channels": 32, "mapping_layers": 2, "local_layers": 4, "base_layers": 1, "depth_layers": 3,
    "local_channels": 16, "coarse_channels": 32, "coarse_size": 16, "min_feat_size": 8, "channel_multiplier": 0.05,
    "max_channels": 16,
}  # fmt: skip


def make_generator(size: int, device: torch.device, tiny: bool, classes: int = CLASSES) -> Generator:
    """The paper's generator for square images of `size` pixels; tiny: with few channels and layers."""
    transparent = tuple(k for k in TRANSPARENT if k < classes)
    widths = SMALL if tiny else {}
    generator = Generator(classes=classes, height=size, width=size, transparent=transparent, **widths)
    return generator.to(device).to(memory_format=torch.channels_last)


def make_discriminator(size: int, device: torch.device, tiny: bool) -> Discriminator:
    """The paper's discriminator; see `make_generator`."""
    widths: dict[str, Any] = {"multiplier": 0.05, "max_channels": 16} if tiny else {}
    discriminator = Discriminator(classes=CLASSES, height=size, width=size, **widths)
    return discriminator.to(device).to(memory_format=torch.channels_last)


def device_of_network(network: torch.nn.Module) -> torch.device:
    return next(network.parameters()).device


def draw_codes(generator: Generator, batch: int) -> Tensor:
    """Codes of `batch` random latents with memory of their own for every slot."""
    z = torch.randn(batch, generator.latent_channels, device=device_of_network(generator))
    with torch.no_grad():
        return generator.expand(generator.map(z)).clone()


def random_real(generator: Generator, batch: int, class_sets: ClassSets | None = None) -> Real:
    """A real batch: images of noise, label maps of squares, with the classes of random sets."""
    device, height, width = device_of_network(generator), generator.height, generator.width
    sets = torch.ones(batch, generator.classes) if class_sets is None else class_sets.draw(batch).float()  # (B, K)
    squares = (batch, height // 8, width // 8)
    labels = torch.multinomial(sets, squares[1] * squares[2], replacement=True).view(squares).to(device, torch.uint8)
    labels = labels.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)  # (B, H, W): squares of one class
    image = torch.rand(batch, 3, height, width, device=device) * 2 - 1  # (B, 3, H, W)
    return Real(
        image.contiguous(memory_format=torch.channels_last), labels, classes_in(labels.cpu(), generator.classes)
    )


class TimedStep:
    """A training step on one random batch. The learning rate is 0, so that the weights do not change.

    class_sets: as of `State`; compiled: the networks under torch.compile, for the phases that can use them.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        config: TrainingConfig,
        *,
        class_sets: ClassSets | None = None,
        compiled: Sequence[Callable[..., Any]] = (),
        fused: bool = False,
    ) -> None:
        self.device = device_of_network(generator)
        mean = torch.zeros((), device=self.device)
        self.state = State(generator, discriminator, mean, class_sets=class_sets)
        if compiled:
            self.state.synthesize, self.state.judge = compiled
        self.real = random_real(generator, config.batch, class_sets)
        self.phases = objective(config)
        networks = {"generator": generator, "discriminator": discriminator}
        self.adam = {
            name: torch.optim.Adam(network.parameters(), lr=0.0, betas=(0.0, 0.99), fused=fused)
            for name, network in networks.items()
        }

    def run(self, phase: Phase) -> Logs:
        """Run one phase with its optimizer step, with the same random numbers each time."""
        torch.manual_seed(0)
        self.state.path_mean.zero_()
        return run_phase(phase, self.state, [self.real], self.adam[phase.network])

    def seconds(self) -> float:
        """Run every phase once. Returns the seconds of an average step: each phase counts at its frequency."""
        return sum(seconds_of(partial(self.run, phase), self.device) / phase.every for phase in self.phases)
