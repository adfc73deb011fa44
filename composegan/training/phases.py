"""The whole objective on one screen: which phase trains which network, how often, and on what loss.

For images without masks see `image_phases`. A training step runs the phases in order. Each is one backward pass and one
optimizer step, as in StyleGAN2 (arXiv 1912.04958, appendix B, lazy regularization): a regularizer that runs every
n steps counts n times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from composegan.config.schema import TrainingConfig
from composegan.losses.adversarial import discriminator_loss, generator_loss
from composegan.losses.regularizers import mask_loss, path_length, presence_loss, r1_penalty
from composegan.networks.class_sets import ClassSets
from composegan.networks.discriminator import Discriminator
from composegan.networks.fitting import fitted
from composegan.networks.generator import Generator, Synthesis
from composegan.networks.local_bank import LocalBank
from composegan.networks.semantic_map import SemanticMap
from composegan.runtime.distributed import all_reduce_mean
from composegan.training.adaptive import sureness
from composegan.training.augment import augment


@dataclass
class State:
    """What phases work on.

    path_mean: (), the running mean of path lengths, on the networks' device. synthesize, judge: the networks, compiled
    (`composegan.training.compiled`) or not, for phases without second derivatives, which torch.compile does not
    support; by default the networks themselves.
    source: the local generators of the model that is adapted, unchanged; None where no loss compares with them.
    class_sets: which classes generated pictures have; None: all of them.
    probability: (), that of augmentations with `training.augment=adaptive`; None: it is a number of the settings.
    """

    generator: Generator
    discriminator: Discriminator
    path_mean: Tensor
    synthesize: Generator = None  # type: ignore[assignment]
    judge: Discriminator = None  # type: ignore[assignment]
    source: LocalBank | None = None
    class_sets: ClassSets | None = None
    probability: Tensor | None = None

    def __post_init__(self) -> None:
        self.synthesize = self.generator if self.synthesize is None else self.synthesize
        self.judge = self.discriminator if self.judge is None else self.judge


@dataclass(frozen=True)
class Real:
    """A real batch. image: (B, 3, H, W) in -1..1; labels: (B, H, W) uint8; classes: those in the labels, (B, K) bool on
    the CPU, None if they have not been counted."""

    image: Tensor
    labels: Tensor
    classes: Tensor | None = None


Logs = dict[str, Tensor]


@dataclass(frozen=True)
class Phase:
    """One loss of one network.

    every: steps from one run to the next; first: steps before the first run; always: steps at the beginning of which it
    runs in each; loss: (state, batch) -> the loss () and figures, each (); full_precision: without autocast.
    """

    name: str
    network: Literal["generator", "discriminator"]
    every: int
    loss: Callable[[State, Real], tuple[Tensor, Logs]]
    full_precision: bool = False
    first: int = 0
    always: int = 0

    def is_due(self, number: int) -> bool:
        """Whether the phase runs in a step, 0 for the first."""
        return number >= self.first and (number < self.always or number % self.every == 0)

    @property
    def lazy_ratio(self) -> float:
        """n/(n+1) for a regularizer every n steps, which corrects the optimizer (StyleGAN2, appendix B)."""
        return self.every / (self.every + 1)


def phases(config: TrainingConfig) -> tuple[Phase, ...]:
    """The phases of a step, in order."""

    def discriminator_main(state: State, real: Real) -> tuple[Tensor, Logs]:
        with torch.no_grad():
            fake = draw_fake(state, len(real.image), config.mixing)
        on_fake = state.judge(*augmented(state, config, fake.image, fake.mask))
        on_real = state.judge(*augmented(state, config, real.image, real_mask(state, real)))
        loss = discriminator_loss(on_real, on_fake)
        logs = {"loss/discriminator": loss, "score/real": on_real.mean(), "score/fake": on_fake.mean()}
        return loss, logs | about_augmentation(state, on_real)

    def r1(state: State, real: Real) -> tuple[Tensor, Logs]:
        image = real.image.detach().requires_grad_()
        embedded = state.discriminator.embed(real_mask(state, real))
        scores = state.discriminator.judge(image, embedded)
        penalty = r1_penalty(scores, image, embedded, state.discriminator.mask_stem.metric())
        loss = (config.r1_image / 2 * penalty.image + config.r1_mask / 2 * penalty.mask) * config.r1_every
        return loss, {"r1/image": penalty.image, "r1/mask": penalty.mask}

    def generator_main(state: State, real: Real) -> tuple[Tensor, Logs]:
        fake = draw_fake(state, len(real.image), config.mixing)
        adversarial = generator_loss(state.judge(*augmented(state, config, fake.image, fake.mask)))
        tie = mask_loss(fake.coarse, fake.mask)
        loss, logs = adversarial + config.mask * tie, {"loss/generator": adversarial, "loss/mask": tie}
        if config.presence and state.class_sets is not None:
            areas = state.class_sets.areas.to(fake.coarse.device, non_blocking=True)  # (K)
            missing = presence_loss(fake.coarse, fake.present, areas)
            loss, logs = loss + config.presence * missing, {**logs, "loss/presence": missing}
        return loss, logs

    every = [
        Phase("Dmain", "discriminator", 1, discriminator_main),
        Phase("Dreg", "discriminator", config.r1_every, r1, full_precision=True),
        Phase("Gmain", "generator", 1, generator_main),
        path_phase(config),
    ]
    return tuple(phase for phase in every if phase.every > 0)


def path_phase(config: TrainingConfig) -> Phase:
    """Path-length regularization of the generator: Greg."""

    def path_length_reg(state: State, real: Real) -> tuple[Tensor, Logs]:
        batch = max(1, len(real.image) // config.path_shrink)
        slots, classes = draw_codes(state, batch, config.mixing)
        codes = state.generator.expand(slots).requires_grad_()  # also where the mapping does not learn
        fake = state.generator(codes, noise="fresh", classes=classes)
        noise = torch.randn_like(fake.image)
        result = path_length(fake.image, codes, state.path_mean, noise, config.path_decay, all_reduce_mean)
        state.path_mean.copy_(result.mean)
        return config.path_length * config.path_every * result.penalty, {"path/length": result.lengths.mean()}

    return Phase("Greg", "generator", config.path_every, path_length_reg, full_precision=True)


def real_mask(state: State, real: Real) -> SemanticMap:
    """The label maps of a real batch, as the discriminator takes them."""
    return SemanticMap.from_labels(real.labels, state.generator.classes)


def augmented(
    state: State, config: TrainingConfig, image: Tensor, mask: SemanticMap | None
) -> tuple[Tensor, SemanticMap | None]:
    """Picture (B, 3, H, W) and mask as the discriminator sees them, see `augment`."""
    return augment(image, mask, config.augment if state.probability is None else state.probability)


def about_augmentation(state: State, real: Tensor, fake: Tensor | None = None) -> Logs:
    """The figures of adaptive augmentation, from scores (B, 1) as of `sureness`; none where it is not adaptive.

    A discriminator's main phase reports them: `TrainingStep` moves the probability by `augment/sign`.
    """
    if state.probability is None:
        return {}
    return {"augment/sign": sureness(real, fake), "augment/probability": state.probability.clone()}


def draw_fake(state: State, batch: int, mixing: float) -> Synthesis:
    """Random pictures as the main phases judge them."""
    slots, classes = draw_codes(state, batch, mixing)
    return state.synthesize(slots, noise="fresh", classes=classes)


def draw_classes(state: State, batch: int) -> Tensor | None:
    """Random class sets (batch, K) bool, on the CPU, which needs no synchronization; None: all classes."""
    return None if state.class_sets is None else state.class_sets.draw(batch)


def draw_codes(state: State, batch: int, mixing: float) -> tuple[Tensor, Tensor | None]:
    """Random latent slots (batch, base + 2K, S), and class sets as of `draw_classes`, which their base codes fit."""
    return _draw(state.generator, batch, mixing, lambda: draw_classes(state, batch))


def draw_slots(generator: Generator, batch: int, mixing: float) -> Tensor:
    """Random latent slots (batch, base + 2K, S) of one code or, with probability `mixing`, of two mixed by class."""
    return _draw(generator, batch, mixing, lambda: None)[0]


def _draw(
    generator: Generator, batch: int, mixing: float, classes_of: Callable[[], Tensor | None]
) -> tuple[Tensor, Tensor | None]:
    device = generator.slot_of_code.device
    z = torch.randn(2 * batch, generator.latent_channels, device=device)
    choice = generator.layout.draw_choice(batch, device)  # (B, K)
    choice = choice * (torch.rand(batch, 1, device=device) < mixing)  # 0: nothing of the second
    classes = classes_of()  # (B, K), drawn here to keep the order of random numbers
    first, second = generator.map(fitted(generator, z, classes)).chunk(2)  # (B, S) twice; base codes are of the first
    return generator.mix(first, second, choice), classes  # (B, base + 2K, S), (B, K)
