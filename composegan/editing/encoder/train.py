"""Training of an encoder: on pictures that the frozen generator draws, whose codes are known, and on real ones."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.config.encoder import EncoderConfig
from composegan.config.inversion import Inversion, InversionConfig
from composegan.config.schema import DataConfig
from composegan.data.loader import training_loader
from composegan.editing.encoder.encoder_file import ENCODER, TrainedEncoder, new_network, read_encoder, write_encoder
from composegan.editing.encoder.held_out import Pictures, held_out, measure
from composegan.editing.invert import spread
from composegan.editing.objective import SHARPNESS, Objective, mask_distance
from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.guarded import reading
from composegan.io.tensor_file import read_saved
from composegan.losses.perceptual import PerceptualDistance, perceptual_distance
from composegan.model.saved_model import Model
from composegan.networks.class_sets import classes_in
from composegan.networks.encoder import Encoder
from composegan.networks.fitting import fitted
from composegan.networks.semantic_map import UNKNOWN
from composegan.plugin.domain import Source
from composegan.runtime.progress import progress_bar
from composegan.training.parts import derive_seed

STATE = "encoder_training.pt"
SAVE_EVERY = 60.0
"""Seconds between two saved states of the training."""
CODE, PRESENCE = 0.3, 0.3
"""Weights of the losses of codes, in squared standard deviations, and of presence, beside those of `Objective`."""
PERCEPTUAL_SIZE = 64
"""Shorter side at which the perceptual distance sees pictures in training, pixels."""
CLIP, DECAY, CONSTANT, RISE = 1.0, 0.01, 0.3, 50
"""Largest norm of the gradient; weight decay; share of the training at the full learning rate; steps that it rises."""


@dataclass(frozen=True)
class Teacher:
    """What the losses of a step need.

    model: frozen; how, distance: weights and perceptual distance of the objective of inversion, see `Objective`; scale:
    (S,), standard deviation of w.
    """

    model: Model
    how: Inversion
    distance: PerceptualDistance
    scale: Tensor

    @classmethod
    def of(cls, model: Model) -> Teacher:
        """The objective of inversion for the model, with EfficientNet-Lite0's features at a small size."""
        short = min(model.generator.height, model.generator.width)
        how = InversionConfig(size=min(PERCEPTUAL_SIZE, max(32, short))).resolve(short)
        distance = perceptual_distance("off", how.size).to(model.device)
        return cls(model, how, distance, spread(model))

    @torch.no_grad()
    def draw(self, pictures: int) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Generated pictures: images (N, 3, H, W), labels (N, H, W), slots and class sets (N, K) bool, None for all.

        Each class has the codes of one random picture or another, shape and texture apart.
        """
        model, generator = self.model, self.model.generator
        sets = None if model.class_sets is None else model.class_sets.at(torch.rand(pictures)).bool()
        z = torch.randn(2, pictures, generator.latent_channels, device=model.device)
        first = fitted(generator, z[0], sets)
        choice = generator.layout.draw_choice(pictures, model.device)
        slots = generator.mix(generator.map(first), generator.map(z[1]), choice)  # (N, slots, S)
        drawn = generator(slots, classes=sets)
        return drawn.image.clamp(-1, 1), drawn.mask.labels().long(), slots, sets

    def loss(self, network: Encoder, batch: dict[str, Tensor] | None, generated: int) -> Tensor:
        """The loss of a step: a scalar. batch: real pictures; generated: number of pictures to draw beside them."""
        model, parts = self.model, []
        slots = sets = None
        if generated:
            image, label, slots, sets = self.draw(generated)
            parts.append((image, label))
        if batch is not None:
            real = batch["image"].to(model.device).float().div(127.5).sub(1)
            parts.append((real, batch["labels"].to(model.device).long()))
        images, labels = (torch.cat(column) for column in zip(*parts, strict=True))
        images = images.contiguous(memory_format=torch.channels_last)
        hidden = torch.rand(len(images)) < 0.5  # half of the pictures come without their mask
        given = torch.where(hidden.to(images.device)[:, None, None], UNKNOWN, labels)
        present = classes_in(labels, len(model.classes))  # (N, K)
        if sets is not None:
            present[:generated] |= sets.to(present.device)
        found = network(images, given)
        away = (found.slots - model.mean_code) / self.scale  # (N, slots, S)
        drawn = model.generator(found.slots, classes=present.cpu() if model.class_sets is not None else None)
        apart = Objective.of(images, labels, self.distance, self.how)(drawn)  # (N)
        loss = (apart + self.how.prior * away.square().mean(dim=(1, 2))).mean()
        loss = loss + mask_distance(found.mask / SHARPNESS, labels).mean()
        if model.class_sets is not None:
            loss = loss + PRESENCE * F.binary_cross_entropy_with_logits(found.presence, present.float())
        if slots is not None:
            wrong = ((found.slots[:generated] - slots) / self.scale).square().mean(dim=2)  # (n, slots)
            known = self.known(present[:generated], wrong.shape[1])  # (n, slots)
            loss = loss + CODE * (wrong * known).sum() / known.sum() * (generated / len(images))
        return loss

    def known(self, present: Tensor, slots: int) -> Tensor:
        """Which slots have an effect on a picture of these classes (n, K): (n, slots) of 0 and 1."""
        if not self.model.generator.layout.class_codes:
            return torch.ones(len(present), slots, device=present.device)
        own = present.float().repeat_interleave(2, dim=1)  # (n, 2K)
        return F.pad(own, (slots - own.shape[1], 0), value=1.0)


def train_encoder(
    model: Model, source: Source | None, data: DataConfig, settings: EncoderConfig, folder: Path,
    mirrored: Sequence[int] = (), progress: str = "Training the encoder", overwrite: bool = False,
) -> TrainedEncoder:  # fmt: skip
    """Train an encoder of the model and write it to `folder` as encoder.safetensors.

    source: the model's data, None if only generated pictures are at hand; data: its settings; mirrored: see
    `DomainSpec`. A training that was
    stopped resumes, and ends with the same weights as an uninterrupted one. overwrite: train anew where an encoder, or
    a training with other settings, is there. Raises UserError for such a folder, for data that cannot be read, for a
    backbone that cannot be used, and if training diverges.
    """
    request = {"model": model.weights, "data": describe(source, data), **asdict(settings)}
    if (folder / ENCODER).exists() and not (folder / STATE).exists() and not overwrite:
        done = read_encoder(folder / ENCODER, model)  # refuses one of another model
        if done.settings.get("request") == request:
            return done
        raise UserError(
            f"{folder / ENCODER}: was trained with other settings; choose another out=, or train it anew with "
            "overwrite=on"
        )
    pictures, source = held_out(model, source, data)
    real = round(settings.real * settings.batch) if source is not None else 0
    torch.manual_seed(derive_seed(settings.seed, "encoder"))
    network = new_network(model, settings.backbone, settings.pretrained)
    network = network.to(model.device).to(memory_format=torch.channels_last).train()
    network.mean.copy_(model.mean_code)
    teacher = Teacher.of(model)
    network.spread.copy_(teacher.scale)
    optimizer = torch.optim.AdamW(network.parameters(), settings.learning_rate, (0.9, 0.99), weight_decay=DECAY)
    steps = -(-settings.images // settings.batch)
    step = load_state(folder / STATE, request, network, optimizer, overwrite)
    loader = iter(()) if source is None or not real else iter(
        training_loader(
            source, classes=len(model.classes), batch=real, height=data.height, width=data.width, seed=settings.seed,
            start=step * real, workers=0, flip=bool(data.flip), mirrored=mirrored, on_error=data.on_error,
        )
    )  # fmt: skip
    saved = time.monotonic()
    with progress_bar(progress, steps * settings.batch) as done_pictures:
        done_pictures(step * settings.batch)
        try:
            while step < steps:
                torch.manual_seed(derive_seed(settings.seed, "encoder", step))
                for group in optimizer.param_groups:
                    group["lr"] = settings.learning_rate * rate(step, steps)
                optimizer.zero_grad()
                loss = teacher.loss(network, next(loader) if real else None, settings.batch - real)
                loss.backward()
                norm = torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
                if not math.isfinite(float(norm)):
                    raise UserError(
                        f"learning_rate={settings.learning_rate}: training diverged; choose a smaller one, with "
                        "overwrite=on"
                    )
                optimizer.step()
                step += 1
                done_pictures(settings.batch)
                if time.monotonic() - saved > SAVE_EVERY:
                    save_state(folder / STATE, request, network, optimizer, step)
                    saved = time.monotonic()
        except KeyboardInterrupt:
            save_state(folder / STATE, request, network, optimizer, step)
            raise
    return finish(model, network.eval(), pictures, request, settings, folder)


def finish(
    model: Model, network: Encoder, pictures: Pictures, request: dict[str, Any], settings: EncoderConfig, folder: Path
) -> TrainedEncoder:
    """Round the weights as in the file, measure the encoder on held-out pictures, and write it."""
    network.load_state_dict(
        {name: x.half().float() if x.is_floating_point() else x for name, x in network.state_dict().items()}
    )
    trained = TrainedEncoder(network.requires_grad_(False), model.weights, settings.backbone)
    figures, usual = measure(model, trained, pictures)
    trained = TrainedEncoder(network, model.weights, settings.backbone, figures, usual, {"request": request})
    write_encoder(folder / ENCODER, trained)
    (folder / STATE).unlink(missing_ok=True)
    return trained


def rate(step: int, steps: int) -> float:
    """Fraction of the learning rate: it rises within 50 steps, and falls to 0 by a cosine in the last 70 %."""
    falling = max(0.0, (step / steps - CONSTANT) / (1 - CONSTANT))
    return min(1.0, (step + 1) / RISE) * (0.5 + 0.5 * math.cos(math.pi * falling))


def describe(source: Source | None, data: DataConfig) -> str:
    """The data in words, for the record."""
    if source is None:
        return "generated pictures only"
    return f"{len(source)} of {data.root or (data.demo or 'demo')}, {data.split}"


def save_state(path: Path, request: dict[str, Any], network: Encoder, optimizer: Any, step: int) -> None:
    """Write everything that determines the rest of the training."""
    state = {
        "request": json.dumps(request, sort_keys=True),
        "step": step,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with atomic_file(path) as temporary, temporary.open("wb") as file:  # given a path, torch hides why it failed
        torch.save(state, file)


def load_state(path: Path, request: dict[str, Any], network: Encoder, optimizer: Any, overwrite: bool) -> int:
    """The step to continue from, after loading what `save_state` wrote; 0 without it.

    Raises UserError for a damaged file and for a training with other settings, unless `overwrite`.
    """
    if not path.exists() or overwrite:
        return 0
    with reading(path, "a training of an encoder", "start anew with overwrite=on"):
        state = read_saved(path)
        if state["request"] != json.dumps(request, sort_keys=True):
            raise UserError(
                f"{path}: is a training with other settings or of other weights of the model; repeat its command, or "
                "start anew with overwrite=on"
            )
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        return int(state["step"])
