"""A relativistic loss with a gradient penalty on both sides: `training.loss=relativistic`.

`E softplus(D(G(z)) - D(x))` for the discriminator, `E softplus(D(x) - D(G(z)))` for the generator, and R1 and R2, the
squared gradient of D at real and at generated images: Huang et al., "The GAN is dead; long live the GAN!", arXiv
2501.05441, section 2. `training.loss.relativistic.r2=0.5` halves R2; R1 is weighted by `training.r1_image` and
`training.r1_mask`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.config.schema import TrainingConfig
from composegan.losses.regularizers import R1, mask_loss, r1_penalty
from composegan.networks.semantic_map import SemanticMap
from composegan.plugin import LossRecipe, number
from composegan.training.phases import (
    Logs,
    Phase,
    Real,
    State,
    about_augmentation,
    augmented,
    draw_fake,
    path_phase,
    real_mask,
)


@dataclass
class Settings:
    r2: float = number(1.0, least=0)  # weight of R2 relative to R1


def phases(config: TrainingConfig, settings: Settings) -> tuple[Phase, ...]:
    """The phases of a step, in order."""

    def score(state: State, image: Tensor, mask: SemanticMap) -> Tensor:
        return state.judge(*augmented(state, config, image, mask))  # (B, 1)

    def discriminator_main(state: State, real: Real) -> tuple[Tensor, Logs]:
        with torch.no_grad():
            fake = draw_fake(state, len(real.image), config.mixing)
        on_fake, on_real = score(state, fake.image, fake.mask), score(state, real.image, real_mask(state, real))
        loss = F.softplus(on_fake - on_real).mean()
        logs = {"loss/discriminator": loss, "score/real": on_real.mean(), "score/fake": on_fake.mean()}
        return loss, logs | about_augmentation(state, on_real, on_fake)  # for training.augment=adaptive

    def r1_and_r2(state: State, real: Real) -> tuple[Tensor, Logs]:
        with torch.no_grad():
            fake = draw_fake(state, len(real.image), config.mixing)
        r1, r2 = slope(state, real.image, real_mask(state, real)), slope(state, fake.image, fake.mask)
        image, mask = r1.image + settings.r2 * r2.image, r1.mask + settings.r2 * r2.mask
        loss = config.r1_image / 2 * image + config.r1_mask / 2 * mask
        logs = {"r1/image": r1.image, "r1/mask": r1.mask, "r2/image": r2.image, "r2/mask": r2.mask}
        return loss * config.r1_every, logs

    def generator_main(state: State, real: Real) -> tuple[Tensor, Logs]:
        fake = draw_fake(state, len(real.image), config.mixing)
        on_fake, on_real = score(state, fake.image, fake.mask), score(state, real.image, real_mask(state, real))
        adversarial = F.softplus(on_real - on_fake).mean()
        tie = mask_loss(fake.coarse, fake.mask)
        return adversarial + config.mask * tie, {"loss/generator": adversarial, "loss/mask": tie}

    return (
        Phase("Dmain", "discriminator", 1, discriminator_main),
        Phase("Dreg", "discriminator", config.r1_every, r1_and_r2, full_precision=True),
        Phase("Gmain", "generator", 1, generator_main),
        path_phase(config),
    )


def slope(state: State, image: Tensor, mask: SemanticMap) -> R1:
    """The squared gradient of the discriminator at images (B, 3, H, W) and at their masks."""
    image, embedded = image.detach().requires_grad_(), state.discriminator.embed(mask)
    scores = state.discriminator.judge(image, embedded)
    return r1_penalty(scores, image, embedded, state.discriminator.mask_stem.metric())


recipe = LossRecipe(phases=phases, settings=Settings, api=1)
