"""Which photos are unlike a model's data, before time is spent on them.

A photo is drawn from the codes that the encoder finds without its mask. The perceptual distance of the two (at 128
pixels, EfficientNet-Lite0's features) is compared with that of pictures held out from the encoder's training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from composegan.editing.encoder.encode import distances, encode
from composegan.editing.encoder.encoder_file import TrainedEncoder
from composegan.editing.encoder.held_out import PERCEPTUAL_SIZE
from composegan.losses.perceptual import perceptual_distance
from composegan.model.saved_model import Model

SHARE = 0.99
"""Share of held-out pictures that are nearer to the picture of their codes than the limit."""


@dataclass(frozen=True)
class Likeness:
    """distance: of a photo to the picture of its codes; limit: what 99 % of held-out pictures stay below."""

    distance: float
    limit: float

    @property
    def unlike(self) -> bool:
        """Whether the photo is unlike the data."""
        return self.distance > self.limit

    def __str__(self) -> str:
        return (
            f"is unlike the pictures of the model: {self.distance:.2f} from the picture of its codes, where "
            f"{SHARE:.0%} of held-out pictures are below {self.limit:.2f}"
        )


def likeness(model: Model, encoder: TrainedEncoder, images: np.ndarray) -> list[Likeness]:
    """How like the data photos are. images: uint8 (N, 3, H, W), at the model's size."""
    pictures = torch.from_numpy(np.ascontiguousarray(images)).to(model.device).float().div(127.5).sub(1)
    distance = perceptual_distance("off", PERCEPTUAL_SIZE).to(model.device)
    limit = float(np.quantile(encoder.usual, SHARE)) if encoder.usual else float("inf")
    apart = distances(model, encode(model, encoder, pictures), pictures, distance)
    return [Likeness(float(value), limit) for value in apart]
