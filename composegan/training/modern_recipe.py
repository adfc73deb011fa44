"""`training.loss=modern`: relativistic pairs, penalties without second derivatives, local edits, repainting.

The phases of a step, as in `phases`, on one screen.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from composegan.config.schema import TrainingConfig
from composegan.errors import UserError
from composegan.losses.locality import locality_loss
from composegan.losses.refinement import refinement_loss
from composegan.losses.regularizers import mask_loss, presence_loss
from composegan.losses.relativistic import pair_loss, slope
from composegan.networks.modern_generator import ModernGenerator
from composegan.networks.semantic_map import SemanticMap
from composegan.plugin.contracts import LossRecipe
from composegan.plugin.fields import number
from composegan.training.image_phases import image_phases
from composegan.training.phases import (
    Logs,
    Phase,
    Real,
    State,
    about_augmentation,
    augmented,
    draw_codes,
    draw_fake,
    draw_slots,
    real_mask,
)

PART, SQUARED = 0.1, 2
"""Of `presence_loss`: the part of its usual area that a class covers at least. With typical shapes, it covers at least
what it does in those of the picture's codes: a class that is narrow in a view need not cover its usual area there."""
LEAD = 50
"""Steps of the discriminator before the generator first learns from it."""


@dataclass
class Settings:
    r2: float = number(1.0, least=0)  # weight of the penalties on generated pictures, relative to those on real ones
    mismatch: float = number(0.5, least=0)  # weight of real pictures with another picture's mask, as fakes
    locality: float = number(4.0, least=0)  # weight of the loss on changes outside an edited class
    repaint: float = number(10.0, least=0)  # weight of the error of real pictures drawn anew from their label maps
    repaint_every: int = number(2, least=1)  # steps between those, after the warm-up
    warmup: int = number(2000, least=0)  # images before the generator learns from the discriminator
    locality_every: int = number(8, least=0)  # steps between those; 0: never


def phases(config: TrainingConfig, settings: Settings) -> tuple[Phase, ...]:
    """The phases of a step, in order."""

    def discriminator_main(state: State, real: Real) -> tuple[Tensor, Logs]:
        with torch.no_grad():
            fake = draw_fake(state, len(real.image), config.mixing)
        on_fake = state.judge(*augmented(state, config, fake.image, fake.mask))
        on_real = state.judge(*augmented(state, config, real.image, real_mask(state, real)))
        loss = pair_loss(on_real, on_fake)
        logs = {"loss/discriminator": loss, "score/real": on_real.mean(), "score/fake": on_fake.mean()}
        logs |= about_augmentation(state, on_real, on_fake)
        if settings.mismatch and len(real.image) > 1:
            half = (len(real.image) + 1) // 2
            other = SemanticMap.from_labels(real.labels.roll(1, 0)[:half], state.generator.classes)
            on_other = state.judge(*augmented(state, config, real.image[:half], other))
            mismatched = pair_loss(on_real[:half], on_other)
            noticed = (on_other < on_real[:half]).float().mean()
            loss, logs = loss + settings.mismatch * mismatched, {**logs, "score/mismatch_noticed": noticed}
        return loss, logs

    def penalties(state: State, real: Real) -> tuple[Tensor, Logs]:
        with torch.no_grad():
            fake = draw_fake(state, len(real.image), config.mixing)
        weights = (config.r1_image, config.r1_mask)
        factor = state.discriminator.mask_stem.factor()  # (C, C)
        on_real, on_fake = (
            slope(state.judge.judge, image, state.judge.embed(mask), factor, weights)
            for image, mask in ((real.image, real_mask(state, real)), (fake.image, fake.mask))
        )
        return (on_real + settings.r2 * on_fake) / 2 * config.r1_every, {"slope/real": on_real, "slope/fake": on_fake}

    def generator_main(state: State, real: Real) -> tuple[Tensor, Logs]:
        slots, classes = draw_codes(state, len(real.image), config.mixing)
        fake = state.synthesize(slots, noise="fresh", classes=classes)
        on_fake = state.judge(*augmented(state, config, fake.image, fake.mask))
        with torch.no_grad():
            on_real = state.judge(*augmented(state, config, real.image, real_mask(state, real)))
        adversarial, tie = pair_loss(on_fake, on_real), mask_loss(fake.coarse, fake.mask)
        loss, logs = adversarial + config.mask * tie, {"loss/generator": adversarial, "loss/mask": tie}
        if config.presence and state.class_sets is not None:
            generator = state.generator
            usual = generator.typical(slots, SQUARED, classes) if isinstance(generator, ModernGenerator) else None
            part = 1.0
            if usual is None:
                usual, part = state.class_sets.areas.to(fake.coarse.device, non_blocking=True), PART  # (K)
            missing = presence_loss(fake.coarse, fake.present, usual, part, SQUARED)
            loss, logs = loss + config.presence * missing, {**logs, "loss/presence": missing}
        return loss, logs

    def local_edits(state: State, real: Real) -> tuple[Tensor, Logs]:
        generator = state.generator
        batch, device = max(1, len(real.image) // 2), generator.slot_of_code.device
        slots, classes = draw_codes(state, batch, config.mixing)
        other = generator.map(torch.randn(batch, generator.latent_channels, device=device))  # (B, S)
        present = torch.ones(batch, generator.classes) if classes is None else classes.float()  # (B, K)
        edited = torch.multinomial(present, 1)[:, 0].to(device, non_blocking=True)  # (B)
        slot = generator.layout.shape_slot(0) + 2 * edited + torch.randint(0, 2, (batch,), device=device)  # (B)
        changed = slots.scatter(1, slot[:, None, None].expand(-1, 1, slots.shape[2]), other[:, None])
        classes = None if classes is None else classes.repeat(2, 1)
        pair = state.synthesize(torch.cat((slots, changed)), noise="fresh", classes=classes)
        before, after = pair.image.chunk(2)  # (B, 3, H, W) twice
        foremost = pair.mask.labels() if pair.foremost is None else pair.foremost  # (2 B, H, W)
        labels, labels_after = foremost.chunk(2)  # (B, H, W) twice
        share = locality_loss(before, after, labels, labels_after, edited)
        return settings.locality * share, {"loss/locality": share}

    def repaint(state: State, real: Real) -> tuple[Tensor, Logs]:
        if not isinstance(state.synthesize, ModernGenerator):
            raise UserError("training.loss.modern.repaint: needs model.family=modern; with another family, set it to 0")
        slots = draw_slots(state.generator, len(real.image), config.mixing)
        drawn = state.synthesize.repaint(slots, real.image, real.labels, real.classes)
        error = (drawn.image - real.image).abs().mean()
        refined = refinement_loss(drawn.mask, real.labels, (drawn.coarse.shape[2], drawn.coarse.shape[3]))
        return settings.repaint * (error + refined), {"loss/repaint": error, "loss/refine": refined}

    warm = settings.warmup // config.batch if settings.repaint else 0  # steps
    judged = max(0, warm - LEAD)
    edits_every = settings.locality_every if settings.locality else 0
    # Penalties and edits are small differences, of scores and of pictures, which bfloat16 would round away.
    every = [
        Phase("Gpaint", "generator", settings.repaint_every if settings.repaint else 0, repaint, always=warm),
        Phase("Dmain", "discriminator", 1, discriminator_main, first=judged),
        Phase("Dreg", "discriminator", config.r1_every, penalties, full_precision=True, first=judged),
        Phase("Gmain", "generator", 1, generator_main, first=warm),
        Phase("Glocal", "generator", edits_every, local_edits, full_precision=True, first=warm),
    ]
    return tuple(phase for phase in every if phase.every > 0)


def phases_of_images(config: TrainingConfig, keep: float, settings: Settings) -> tuple[Phase, ...]:
    """The phases of a step of adaptation to images without masks: those of `training.loss=paper`."""
    return image_phases(config, keep)


recipe = LossRecipe(phases=phases, image_phases=phases_of_images, settings=Settings)
