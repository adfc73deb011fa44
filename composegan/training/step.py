"""One step of training, phase by phase, and everything that it changes. The losses are in `phases`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from composegan.config.schema import Config
from composegan.errors import UserError
from composegan.grouping.propose import last_groups
from composegan.grouping.split import regroup
from composegan.networks.class_sets import ClassSets, classes_in
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.networks.precision import widened, without_autocast
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.runtime.distributed import all_reduce_mean, average_gradients, world
from composegan.training import ema
from composegan.training.adaptive import ADAPTIVE, adapt
from composegan.training.class_gradients import add_class_gradients
from composegan.training.compiled import compiled
from composegan.training.divergence import Divergence
from composegan.training.image_phases import frozen_parts, keeps_masks
from composegan.training.moments import load_moments
from composegan.training.objective import objective
from composegan.training.parts import Draws, derive_seed, mean_of
from composegan.training.phases import Logs, Phase, Real, State


class Optimizer(Protocol):
    """A torch optimizer, or a trainer's wrapper around one."""

    def step(self) -> Any:
        """Move the weights by their gradients."""


class TrainingStep(nn.Module):
    """Generator, discriminator and averaged generator with their optimizers; `run` trains them on one batch.

    images_seen: real images shown, over all devices, without those of discarded steps, which `skipped` counts. With the
    seed and the rank they determine every random draw, so that a resumed run continues bit for bit.
    figures: the latest value of each figure, each (), on the device. divergence: their statistics.
    class_sets: which classes generated pictures have; None: all of them. source: the local generators of the model that
    is adapted; None where no loss compares with them. class_gradients: (2, L, K, C, C), with `grouping=progressive`:
    each class's gradients on the local layers' weights since the last split, of even and of odd steps; else None.
    probability: (), that of augmentations, with `training.augment=adaptive`; else None.

    Move it to its device before `restore`: the optimizers' state goes where the weights are.
    """

    path_mean: Tensor
    class_gradients: Tensor | None
    probability: Tensor | None

    def __init__(self, config: Config, generator: Generator, discriminator: Discriminator) -> None:
        super().__init__()
        self.config = config
        self.generator, self.discriminator = generator, discriminator
        self.average = copy.deepcopy(generator).requires_grad_(False).eval()
        self.register_buffer("path_mean", torch.zeros(()))
        self.groups = last_groups(config, generator.classes)
        adaptive = config.training.augment == ADAPTIVE
        self.register_buffer("probability", torch.zeros(()) if adaptive else None)
        per_class = None
        if self.groups:
            weight = generator.local.weight  # (L, G, C, C)
            per_class = weight.new_zeros(2, len(weight), generator.classes, *weight.shape[2:])
        self.register_buffer("class_gradients", per_class)
        self.phases = objective(config.training, config.adapt)
        self.frozen = frozen_parts(config.adapt)
        self.source = copy.deepcopy(self.average.local) if keeps_masks(config.adapt) else None
        # In a tuple, so that they are not registered as modules.
        self.compiled = generator, discriminator
        if config.trainer.compile:
            self.compiled = compiled(generator), compiled(discriminator)
        self.optimizers = {name: self._adam(name) for name in ("generator", "discriminator")}
        self.images_seen = self.skipped = 0
        self.divergence = Divergence(config.trainer.spike)
        self.class_sets: ClassSets | None = None
        self.figures: Logs = {}
        self._reached: dict[str, list[bool]] = {}  # by phase, see `average_gradients`

    def _adam(self, network: str) -> torch.optim.Adam:
        """Adam corrected for the regularizer's own steps: with lazy ratio c, rate c lr and betas beta^c."""
        settings = self.config.training
        rate = settings.learning_rate
        if network == "discriminator":
            rate = settings.discriminator_learning_rate or rate
        regularizers = (p for p in self.phases if p.network == network and p.name.endswith("reg"))
        ratio = next((phase.lazy_ratio for phase in regularizers), 1.0)
        betas = (settings.beta1**ratio, settings.beta2**ratio)
        return torch.optim.Adam(getattr(self, network).parameters(), lr=rate * ratio, betas=betas, fused=True)

    def start_from(self, generator: Mapping[str, Tensor], discriminator: Mapping[str, Tensor] | None) -> None:
        """Load trained weights, state dicts; discriminator None: it stays untrained.

        Raises RuntimeError when they belong to another model.
        """
        for network in (self.generator, self.average):
            network.load_state_dict(generator)
        if self.source is not None:
            self.source.load_state_dict(self.generator.local.state_dict())
        if discriminator is not None:
            self.discriminator.load_state_dict(discriminator)

    @property
    def number(self) -> int:
        """Steps done, without discarded ones; a step shows one batch."""
        return self.images_seen // self.config.training.batch

    @property
    def position(self) -> int:
        """The place in the stream of images and of random numbers, in images."""
        return self.images_seen + self.skipped

    @property
    def plan(self) -> GroupingPlan:
        """Which classes share local generators now."""
        return GroupingPlan.from_group_of(self.generator.local.group_of)

    @property
    def may_split(self) -> bool:
        """Whether there are fewer groups than there will be in the end."""
        return len(self.plan.groups) < self.groups

    def split(self, plan: GroupingPlan) -> None:
        """Continue with a finer plan, see `composegan.grouping.split`.

        Raises ValueError when classes of different groups would share.
        """
        for part in self.generator.grouped:
            regroup(part, plan.group_of, self.optimizers["generator"])
        for part in self.average.grouped:
            regroup(part, plan.group_of)
        if self.class_gradients is not None:
            self.class_gradients.zero_()

    def run(
        self,
        batch: Mapping[str, Tensor],
        rank: int = 0,
        optimizers: Mapping[str, Optimizer] | None = None,
        backward: Callable[[Tensor], Any] = Tensor.backward,
    ) -> None:
        """Train on one batch: every phase that is due, then the average.

        batch: image (B, 3, H, W) uint8 and labels (B, H, W) uint8, this process's share, on the networks' device, and
        optionally classes (B, K) bool, those in the labels, on the CPU; otherwise they are counted.
        rank: of this process. optimizers: a trainer's wrappers of `self.optimizers`. backward: see `run_phase`.
        """
        optimizers = self.optimizers if optimizers is None else optimizers
        config, device = self.config, self.path_mean.device
        count, place = config.trainer.accumulate, self.position // config.training.batch
        draws = Draws([derive_seed(config.seed, rank * count + part, place) for part in range(count)], device)
        image = batch["image"].to(device, torch.float32).div_(127.5).sub_(1)  # (B, 3, H, W)
        image = image.contiguous(memory_format=torch.channels_last)
        labels = batch["labels"]
        classes = batch["classes"] if "classes" in batch else classes_in(labels.cpu(), self.generator.classes)  # (B, K)
        parts = [Real(*p) for p in zip(image.chunk(count), labels.chunk(count), classes.chunk(count), strict=True)]
        state = State(
            self.generator,
            self.discriminator,
            self.path_mean,
            synthesize=self.compiled[0],
            judge=self.compiled[1],
            source=self.source,
            class_sets=self.class_sets,
            probability=self.probability,
        )
        for phase in self.phases:
            if phase.is_due(self.number):
                figures = run_phase(
                    phase,
                    state,
                    parts,
                    optimizers[phase.network],
                    frozen=self.frozen,
                    draws=draws,
                    reached=self._reached.setdefault(phase.name, []),
                    class_gradients=self._class_gradients_of(phase),
                    backward=backward,
                )
                self.figures.update(figures)
                self.divergence.add(figures)
                self._adapt(phase, figures)
        self.images_seen += config.training.batch
        settings = config.training
        keep = ema.decay(settings.batch, self.images_seen, settings.ema_half_life, settings.ema_rampup)
        ema.update(self.average, self.generator, keep)

    def _adapt(self, phase: Phase, figures: Logs) -> None:
        """Move the probability of augmentations by what the discriminator's main phase found."""
        if self.probability is None or phase.name != "Dmain":
            return
        settings = self.config.training
        if "augment/sign" not in figures:
            raise UserError(
                f"training.augment={settings.augment}: not possible with training.loss={settings.loss}, "
                "which reports no augment/sign; give a number, 0 to 1"
            )
        sure = all_reduce_mean(figures["augment/sign"])
        adapt(self.probability, sure, settings.augment_target, settings.batch / settings.ema_half_life)

    def _class_gradients_of(self, phase: Phase) -> Tensor | None:
        main = phase.network == "generator" and not phase.name.endswith("reg")
        if self.class_gradients is None or not main or not self.may_split:
            return None
        return self.class_gradients[self.number % 2]

    def check(self, complete: bool, spikes: bool = True) -> str | None:
        """What is wrong with the figures, the weights or Adam's moments, see `Divergence.check`; None: nothing."""
        moments = [
            tensor
            for optimizer in self.optimizers.values()
            for moments in optimizer.state.values()
            for tensor in moments.values()
        ]
        return self.divergence.check([*self.parameters(), *moments], complete, spikes)

    def state(self) -> dict[str, Any]:
        """Everything that decides how training continues, as tensors and plain values."""
        return {
            "images_seen": self.images_seen,
            "skipped": self.skipped,
            "guard": self.divergence.state(),
            "networks": dict(self.state_dict()),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers.values()],
            "world": world(),
            "parts": world() * self.config.trainer.accumulate,
            "grouping": self.plan.to_json(),
            "class_sets": None if self.class_sets is None else self.class_sets.to_tensors(),
            "figures": dict(self.figures),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned; older versions saved no skipped, guard, class_sets or figures.

        The learning rate and other numbers of the optimizers are those of the configuration.

        Raises an exception of any kind when it belongs to another model: it may come from a file.
        """
        grouping = state.get("grouping", self.plan.to_json())
        if self.groups and self.plan.to_json() != grouping:
            self.split(GroupingPlan.from_json(grouping))
        if self.plan.to_json() != grouping:
            raise ValueError(f"its groups are {grouping}")
        own, networks = self.state_dict(), dict(state["networks"])
        saved = networks.pop("probability", None)  # adaptive augmentation can be switched on or off in a resumed run
        if self.probability is not None:
            networks["probability"] = self.probability if saved is None else saved
        for name, tensor in networks.items():
            if name in own and tensor.dtype != own[name].dtype:
                raise ValueError(f"{name} is {tensor.dtype}, not {own[name].dtype}")
        self.load_state_dict(networks)
        for (name, optimizer), saved in zip(self.optimizers.items(), state["optimizers"], strict=True):
            load_moments(optimizer, saved, getattr(self, name))
        self.images_seen, self.skipped = state["images_seen"], state.get("skipped", 0)
        self.divergence.restore(state.get("guard", {}), self.path_mean.device)
        if state.get("class_sets"):
            self.class_sets = ClassSets(**state["class_sets"])
            if self.class_sets.sets.shape[1] != self.generator.classes:
                raise ValueError(f"its class sets are of {self.class_sets.sets.shape[1]} classes")
        figures = state.get("figures", {})
        if self.probability is None:  # switched off
            figures = {name: figure for name, figure in figures.items() if not name.startswith("augment/")}
        self.figures = {name: figure.to(self.path_mean.device) for name, figure in figures.items()}

    def roll_back(self, state: Mapping[str, Any]) -> None:
        """Restore `state`, but continue with the images and random numbers after those of the discarded steps."""
        position = self.position
        self.restore(state)
        self.skipped = position - self.images_seen
        self.figures = {}


def run_phase(
    phase: Phase,
    state: State,
    parts: Sequence[Real],
    optimizer: Optimizer | None = None,
    *,
    frozen: Sequence[str] = (),
    draws: Draws | None = None,
    reached: list[bool] | None = None,
    class_gradients: Tensor | None = None,
    backward: Callable[[Tensor], Any] = Tensor.backward,
) -> Logs:
    """Run one phase: one backward pass for each part of the batch, then one optimizer step on their mean.

    parts: the batch in parts of equal size, done one after another. optimizer: that of the phase's network; None leaves
    the weights as they are and the gradients in place. frozen: modules of the generator that do not learn.
    draws: random numbers of each part; None: torch's own stream. reached: see `average_gradients`, kept by the caller
    from one run of the phase to the next. class_gradients: (L, K, C, C), to which the gradient of each class on the
    local layers' weights is added. backward: runs the backward pass of a loss ().

    Returns the phase's figures, each (), detached, on the device: the mean over this process's parts.
    """
    moving = learn_only(state, phase.network, frozen)
    moving.zero_grad(set_to_none=True)
    figures, path_mean, path_means = [], state.path_mean.clone(), []
    with add_class_gradients(state.generator.local, class_gradients):
        for number, real in enumerate(parts):
            state.path_mean.copy_(path_mean)  # each part starts from the step's value
            precision = without_autocast(path_mean.device) if phase.full_precision else nullcontext()
            with draws.of(number) if draws else nullcontext(), precision:  # backward included: second derivatives
                loss, found = phase.loss(state, real)
                backward(loss if len(parts) == 1 else loss / len(parts))
            figures.append({name: widened(value.detach()) for name, value in found.items()})
            path_means.append(state.path_mean.clone())
        state.path_mean.copy_(torch.stack(path_means).mean())
    learning = (weight for weight in moving.parameters() if weight.requires_grad)
    average_gradients(learning, [] if reached is None else reached)
    if optimizer is not None:
        optimizer.step()
        moving.zero_grad(set_to_none=True)  # frees their memory before the next phase
    return mean_of(figures)


def learn_only(state: State, network: str, frozen: Sequence[str] = ()) -> nn.Module:
    """Make one network of `state` learn, without the generator's `frozen` modules, and return it."""
    for name in ("generator", "discriminator"):
        getattr(state, name).requires_grad_(name == network)
    for part in frozen:
        getattr(state.generator, part).requires_grad_(False)
    return getattr(state, network)
