"""Pictures that an encoder's training leaves out, and what is measured on them in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from composegan.config.schema import DataConfig
from composegan.data.items import Items
from composegan.data.resize import fit_sample
from composegan.data.sample import Sample
from composegan.editing.encoder.encode import distances, encode
from composegan.editing.encoder.encoder_file import TrainedEncoder
from composegan.editing.objective import mask_iou
from composegan.errors import UserError
from composegan.losses.perceptual import perceptual_distance
from composegan.model.random_codes import draw_codes
from composegan.model.sample import draw
from composegan.model.saved_model import Model
from composegan.plugin.domain import Source

MOST = 200
"""Held-out pictures at most, and a tenth of the data."""
SEED = 2**31
"""Seed of generated pictures that are held out."""
PERCEPTUAL_SIZE = 128
"""Shorter side at which the perceptual distance compares pictures, pixels."""


@dataclass(frozen=True)
class Pictures:
    """images: uint8 (N, 3, H, W); labels: uint8 (N, H, W); real: whether they are the model's data, or generated."""

    images: np.ndarray
    labels: np.ndarray
    real: bool


@dataclass(frozen=True)
class Part:
    """Some of the items of a source, by number."""

    source: Source
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        return self.source[self.numbers[index]]


def held_out(model: Model, source: Source | None, data: DataConfig) -> tuple[Pictures, Source | None]:
    """Pictures to measure on, and the source without them. Without at least 20 real pictures they are generated."""
    count = min(MOST, len(source) // 10) if source is not None else 0
    if source is None or count < 2:
        samples = draw(model, draw_codes(model, MOST, seed=SEED, truncation=1.0))
        return Pictures(samples.images.transpose(0, 3, 1, 2), samples.labels, False), source
    order = np.random.default_rng(0).permutation(len(source)).tolist()
    items = Items(source, len(model.classes), data.on_error, len(source))
    read = [items.read(number) for number in order[:count]]
    fitted = [fit_sample(sample, data.height, data.width) for sample in read if sample is not None]
    if not fitted:
        raise UserError("the data has no picture that can be read; see data.on_error")
    images, labels = (np.stack([getattr(one, part) for one in fitted]) for part in ("image", "labels"))
    return Pictures(images, labels, True), Part(source, order[count:])


def measure(model: Model, encoder: TrainedEncoder, pictures: Pictures) -> tuple[dict[str, float], tuple[float, ...]]:
    """Figures of the encoder without masks and with them, and the sorted perceptual distances of the pictures to those
    of their codes without masks."""
    images = torch.from_numpy(pictures.images).to(model.device).float().div(127.5).sub(1)
    labels = torch.from_numpy(pictures.labels.astype(np.int64)).to(model.device)
    distance = perceptual_distance("off", PERCEPTUAL_SIZE).to(model.device)
    figures: dict[str, float] = {"pictures": len(images), "real": float(pictures.real)}
    usual: tuple[float, ...] = ()
    for name, masks in (("without", None), ("with", labels)):
        codes = encode(model, encoder, images, masks)
        drawn = draw(model, codes)
        apart = distances(model, codes, images, distance)
        difference = drawn.images.transpose(0, 3, 1, 2).astype(np.float32) - pictures.images
        ious = [mask_iou(*pair) for pair in zip(drawn.labels, pictures.labels, strict=True)]
        figures |= {
            f"mse_{name}_mask": float(np.mean((difference / 127.5) ** 2)),
            f"perceptual_{name}_mask": float(apart.mean()),
            f"mask_iou_{name}_mask": float(np.mean(ious)),
        }
        usual = usual or tuple(sorted(apart.tolist()))
    return figures, usual
