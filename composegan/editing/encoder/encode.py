"""Pictures to codes by a trained encoder, and how far the pictures of these codes are from them."""

from __future__ import annotations

import torch
from torch import Tensor

from composegan.editing.encoder.encoder_file import TrainedEncoder
from composegan.losses.perceptual import PerceptualDistance
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.networks.class_sets import classes_in
from composegan.networks.encoder import Encoded
from composegan.networks.semantic_map import UNKNOWN

BATCH = 32


@torch.no_grad()
def encode(model: Model, encoder: TrainedEncoder, images: Tensor, labels: Tensor | None = None) -> Codes:
    """Codes of pictures in one forward pass, with the classes of their masks, or else those that the encoder finds.

    images: (N, 3, H, W) in -1..1; labels: (N, H, W) int64, UNKNOWN for pictures without a mask; on the model's device.
    """
    slots, present = [], []
    for start in range(0, len(images), BATCH):
        some = slice(start, start + BATCH)
        own = None if labels is None else labels[some]
        found = encoder.network(images[some].contiguous(memory_format=torch.channels_last), own)
        slots.append(found.slots.float())
        present.append(classes_of(found, own).cpu())
    return Codes.of(model, torch.cat(slots), None if model.class_sets is None else torch.cat(present))


def classes_of(found: Encoded, labels: Tensor | None) -> Tensor:
    """The classes of each picture, (N, K) bool: those of its mask, or of the most probable class and those that are
    more probable than not."""
    present = found.presence > 0  # (N, K)
    present |= found.presence == found.presence.amax(dim=1, keepdim=True)
    if labels is None:
        return present
    known = (labels != UNKNOWN).flatten(1).all(dim=1)  # (N)
    return torch.where(known[:, None], classes_in(labels, present.shape[1]), present)


@torch.no_grad()
def distances(model: Model, codes: Codes, images: Tensor, distance: PerceptualDistance) -> Tensor:
    """The perceptual distance of each picture (N, 3, H, W) in -1..1 to the picture of its codes: (N,), on the CPU."""
    parts = []
    for start in range(0, len(images), BATCH):
        some = slice(start, start + BATCH)
        drawn = model.synthesize(codes[some]).image.clamp(-1, 1)
        parts.append(distance(distance.maps(drawn), distance.maps(images[some])).cpu())
    return torch.cat(parts)
