"""Which photos are unlike a model's data, before time is spent on them.

A photo is drawn from the codes that the encoder finds without its mask. The perceptual distance of the two (at 128
pixels, EfficientNet-Lite0's features) is compared with that of pictures held out from the encoder's training.
"""

from __future__ import annotations

import numpy as np
import torch

from composegan.editing.encoder.encode import distances, encode
from composegan.editing.encoder.encoder_file import TrainedEncoder
from composegan.editing.encoder.held_out import PERCEPTUAL_SIZE
from composegan.editing.likeness import Likeness
from composegan.losses.perceptual import perceptual_distance
from composegan.model.saved_model import Model


def likeness(model: Model, encoder: TrainedEncoder, images: np.ndarray) -> list[Likeness]:
    """How like the data photos are. images: uint8 (N, 3, H, W), at the model's size."""
    pictures = torch.from_numpy(np.ascontiguousarray(images)).to(model.device).float().div(127.5).sub(1)
    distance = perceptual_distance("off", PERCEPTUAL_SIZE).to(model.device)
    apart = distances(model, encode(model, encoder, pictures), pictures, distance)
    return [Likeness(float(value), encoder.usual, "the picture of its codes") for value in apart]
