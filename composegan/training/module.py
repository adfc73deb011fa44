"""The LightningModule: runs the phases and keeps the state. The maths is in `phases` and `losses`."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from composegan.config.schema import Config
from composegan.grouping.scheduler import last_groups
from composegan.grouping.split import regroup
from composegan.networks.class_sets import ClassSets
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.runtime.distributed import world
from composegan.training import ema
from composegan.training.divergence import Guard
from composegan.training.image_phases import frozen_parts, keeps_masks
from composegan.training.moments import check_moments
from composegan.training.objective import objective
from composegan.training.parts import Draws, derive_seed
from composegan.training.phases import Phase, Real, State
from composegan.training.step import run_phase


class CompositionModule(lightning.LightningModule):
    """Generator, discriminator and the averaged generator, trained phase by phase.

    images_seen: real images shown, over all devices, without those that were taken back; skipped: how many these are.
    With the seed and the rank they determine every draw, so that a run that was stopped goes on bit for bit as if it
    had not been. logs: the latest value of each figure, as tensors that nobody has waited for; guard: their means.
    class_sets: which classes generated pictures have; None: all of them.
    class_gradients: (2, L, K, C, C), with `grouping=progressive`: what each class asked of the layers' weights since
    the last split, in even and in odd steps; else None.
    """

    def __init__(self, config: Config, generator: nn.Module, discriminator: nn.Module) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.config = config
        self.generator, self.discriminator = generator, discriminator
        self.average = copy.deepcopy(generator).requires_grad_(False).eval()
        self.register_buffer("path_mean", torch.zeros(()))
        self.groups = last_groups(config.grouping, generator.classes)
        weight = generator.local.weight  # (L, G, C, C)
        asked = weight.new_zeros(2, len(weight), generator.classes, *weight.shape[2:]) if self.groups else None
        self.register_buffer("class_gradients", asked)
        training, adapt = config.training, config.adapt
        self.phases = objective(training, adapt)
        self.frozen = frozen_parts(adapt)
        # The local generators of the model that is adapted, which `begin_with` fills; part of the checkpoints.
        self.source = copy.deepcopy(self.average.local) if keeps_masks(adapt) else None
        # In a tuple, so that the compiled forms are not modules of this one with weights of their own.
        self.fast = tuple(torch.compile(n) if config.trainer.compile else n for n in (generator, discriminator))
        self.images_seen = self.skipped = 0
        self.guard = Guard(config.trainer.spike)
        self.class_sets: ClassSets | None = None
        self.logs: dict[str, Tensor] = {}
        self.reached: dict[str, list[bool]] = {}  # by phase, see `average_gradients`
        self._moments: list[dict[str, Any]] | None = None  # of a checkpoint, until there are optimizers

    def begin_with(self, generator: Mapping[str, Tensor], discriminator: Mapping[str, Tensor] | None) -> None:
        """Start from trained weights. discriminator: None leaves it as it is, untrained.

        Raises RuntimeError when they are of another model.
        """
        for network in (self.generator, self.average):
            network.load_state_dict(generator)
        if self.source is not None:
            self.source.load_state_dict(self.generator.local.state_dict())
        if discriminator is not None:
            self.discriminator.load_state_dict(discriminator)

    @property
    def plan(self) -> GroupingPlan:
        """Which classes share now."""
        return GroupingPlan.from_group_of(self.generator.local.group_of)

    @property
    def may_split(self) -> bool:
        """Whether there are fewer groups than there may be in the end."""
        return len(self.plan.groups) < self.groups

    def split(self, plan: GroupingPlan, adam: torch.optim.Optimizer | None = None) -> None:
        """Go on with a finer plan, see `composegan.grouping.split`. adam: the generator's, once there is one.

        Raises ValueError when classes that were apart would share.
        """
        regroup(self.generator.local, plan.group_of, adam)
        regroup(self.average.local, plan.group_of)
        self.class_gradients.zero_()

    @property
    def step(self) -> int:
        """Steps done: a step shows one batch."""
        return self.images_seen // self.config.training.batch

    @property
    def position(self) -> int:
        """Where in the stream of images, and of random numbers, the run is."""
        return self.images_seen + self.skipped

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for each network, corrected for its regularizer's own steps: with lazy ratio c, rate c and betas^c."""
        settings = self.config.training
        rates = {
            "generator": settings.learning_rate,
            "discriminator": settings.discriminator_learning_rate or settings.learning_rate,
        }
        optimizers = []
        for name, rate in rates.items():
            ratio = next((p.lazy_ratio for p in self.phases if p.network == name and p.name.endswith("reg")), 1.0)
            betas = (settings.beta1**ratio, settings.beta2**ratio)
            weights = getattr(self, name).parameters()
            adam = torch.optim.Adam(weights, lr=rate * ratio, betas=betas, fused=True)
            optimizers.append(adam)
        if self._moments is not None:
            for adam, saved in zip(optimizers, self._moments, strict=True):
                adam.load_state_dict(saved)
            self._moments = None
        return optimizers

    def training_step(self, batch: dict[str, Tensor]) -> None:
        """batch: image (B, 3, H, W) uint8 and labels (B, H, W) uint8 of this device."""
        count = self.config.trainer.accumulate
        numbers = range(self.global_rank * count, (self.global_rank + 1) * count)
        place = self.position // self.config.training.batch
        draws = Draws([derive_seed(self.config.seed, number, place) for number in numbers], self.device)
        image = batch["image"].to(self.device, torch.float32).div_(127.5).sub_(1)  # (B, 3, H, W)
        image = image.contiguous(memory_format=torch.channels_last)
        parts = [Real(*part) for part in zip(image.chunk(count), batch["labels"].chunk(count), strict=True)]
        state = State(
            self.generator, self.discriminator, self.path_mean, *self.fast, source=self.source,
            class_sets=self.class_sets,
        )  # fmt: skip
        optimizers = dict(zip(("generator", "discriminator"), self.optimizers(), strict=True))
        for phase in self.phases:
            if self.step % phase.every == 0:
                self._run(phase, state, parts, draws, optimizers[phase.network])
        self.images_seen += self.config.training.batch
        settings = self.config.training
        keep = ema.decay(settings.batch, self.images_seen, settings.ema_half_life, settings.ema_rampup)
        ema.update(self.average, self.generator, keep)

    def _run(self, phase: Phase, state: State, parts: Sequence[Real], draws: Draws, optimizer: Any) -> None:
        main = phase.network == "generator" and not phase.name.endswith("reg")
        figures = run_phase(
            phase,
            state,
            parts,
            optimizer,
            frozen=self.frozen,
            draws=draws,
            reached=self.reached.setdefault(phase.name, []),
            class_gradients=self.class_gradients[self.step % 2] if main and self.may_split else None,
            backward=self.manual_backward,
        )
        self.logs.update(figures)
        self.guard.note(figures)

    def checkpoint(self) -> dict[str, Any]:
        """Everything that decides what comes next, as tensors and plain values."""
        return {
            "images_seen": self.images_seen,
            "skipped": self.skipped,
            "guard": self.guard.state(),
            "networks": {key: value for key, value in self.state_dict().items()},
            "optimizers": [optimizer.optimizer.state_dict() for optimizer in self.optimizers()],
            "world": world(),
            "parts": world() * self.config.trainer.accumulate,
            "grouping": self.plan.to_json(),
            "class_sets": None if self.class_sets is None else self.class_sets.to_tensors(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `checkpoint` gave, before training starts.

        Raises RuntimeError, UserError or ValueError when it is of another model.
        """
        if self.groups:
            self.split(GroupingPlan.from_json(state.get("grouping")))
        self.load_state_dict(state["networks"])
        for saved, network in zip(state["optimizers"], (self.generator, self.discriminator), strict=True):
            check_moments(saved, network)
        self.images_seen, self._moments = state["images_seen"], state["optimizers"]
        self.skipped = state.get("skipped", 0)  # older checkpoints have none, nor a guard
        self.guard.restore(state.get("guard", {}))
        if state.get("class_sets"):  # older checkpoints know of none
            self.class_sets = ClassSets(**state["class_sets"])

    def trouble(self, complete: bool, spikes: bool = True) -> str | None:
        """What is wrong with the run, see `Guard.trouble`."""
        moments = [
            tensor
            for optimizer in self.optimizers()
            for moments in optimizer.optimizer.state.values()
            for tensor in moments.values()
        ]
        return self.guard.trouble([*self.parameters(), *moments], complete, spikes)

    def rollback(self, state: dict[str, Any]) -> None:
        """Take up what `checkpoint` gave, in the midst of training, and skip the draws that have been made since."""
        self.load_state_dict(state["networks"])
        self.images_seen, self.skipped = state["images_seen"], self.position - state["images_seen"]
        self.guard.restore(state.get("guard", {}), self.device)
        self.logs = {}
        for optimizer, moments in zip(self.optimizers(), state["optimizers"], strict=True):
            optimizer.optimizer.load_state_dict(moments)


def parameters_of(modules: Iterable[nn.Module]) -> int:
    """How many numbers the modules learn."""
    return sum(p.numel() for module in modules for p in module.parameters())
