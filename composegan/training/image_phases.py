"""The objective of adaptation to images without masks: the phases of `phases` without the mask branch.

As SemanticStyleGAN (arXiv 2112.02236) is adapted to Bitmoji, MetFaces and Toonify: a trained model is trained further
with the discriminator's image tower alone. Frozen parts of the generator (`frozen_parts`) keep the classes in place;
where the local generators learn, a loss can hold their masks to those of the original model.
"""

from __future__ import annotations

import torch
from torch import Tensor

from composegan.config.schema import AdaptConfig, TrainingConfig
from composegan.losses.adversarial import discriminator_loss, generator_loss
from composegan.losses.regularizers import image_slope, mask_loss
from composegan.training.phases import (
    Logs,
    Phase,
    Real,
    State,
    about_augmentation,
    augmented,
    draw_codes,
    draw_fake,
    path_phase,
)


def frozen_parts(adapt: AdaptConfig) -> tuple[str, ...]:
    """The generator's modules that do not learn. The mapping never does: codes stay in the same space."""
    if not adapt.source:
        return ()
    return ("mapping", "local") if adapt.freeze == "local" else ("mapping",)


def keeps_masks(adapt: AdaptConfig) -> bool:
    """Whether a loss holds masks to the source's: needed unless the local generators are frozen."""
    return bool(adapt.source) and adapt.freeze != "local" and adapt.keep > 0


def image_phases(config: TrainingConfig, keep: float = 0.0) -> tuple[Phase, ...]:
    """The phases of a step, in order. `real.labels` is not used.

    keep: weight of `mean((coarse mask - the source's for the same codes)^2)`, used if `state.source` is given.
    """

    def discriminator_main(state: State, real: Real) -> tuple[Tensor, Logs]:
        with torch.no_grad():
            fake = draw_fake(state, len(real.image), config.mixing)
        on_fake = state.judge(*augmented(state, config, fake.image, None))
        on_real = state.judge(*augmented(state, config, real.image, None))
        loss = discriminator_loss(on_real, on_fake)
        logs = {"loss/discriminator": loss, "score/real": on_real.mean(), "score/fake": on_fake.mean()}
        return loss, logs | about_augmentation(state, on_real)

    def r1(state: State, real: Real) -> tuple[Tensor, Logs]:
        image = real.image.detach().requires_grad_()
        penalty = image_slope(state.discriminator(image, None), image)
        return config.r1_image / 2 * penalty * config.r1_every, {"r1/image": penalty}

    def generator_main(state: State, real: Real) -> tuple[Tensor, Logs]:
        slots, classes = draw_codes(state, len(real.image), config.mixing)
        fake = state.synthesize(slots, noise="fresh", classes=classes)
        adversarial = generator_loss(state.judge(*augmented(state, config, fake.image, None)))
        tie = mask_loss(fake.coarse, fake.mask)
        loss, logs = adversarial + config.mask * tie, {"loss/generator": adversarial, "loss/mask": tie}
        if state.source is not None:
            with torch.no_grad():
                codes = state.generator.local_codes(state.generator.expand(slots))  # (B, K L, S)
                _, m, _ = state.source(codes, classes)  # (B, K, h, w)
            moved = (fake.coarse - (2 * m - 1)).square().mean()
            loss, logs = loss + keep * moved, {**logs, "loss/keep": moved}
        return loss, logs

    every = [
        Phase("Dmain", "discriminator", 1, discriminator_main),
        Phase("Dreg", "discriminator", config.r1_every, r1, full_precision=True),
        Phase("Gmain", "generator", 1, generator_main),
        path_phase(config),
    ]
    return tuple(phase for phase in every if phase.every > 0)
