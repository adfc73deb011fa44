"""How much better the discriminator knows the pictures that it was trained on than others of the same kind."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from composegan.config.schema import DataConfig
from composegan.evaluation.scores import draw_real
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.networks.semantic_map import SemanticMap
from composegan.plugin.domain import Source

COUNT, BATCH = 128, 16
"""Pictures of each kind, and how many the discriminator sees at a time; it compares them in groups."""

TOO_MUCH = 0.5
"""The value of `overfit` from which on augmentation is advised."""

Draw = Callable[[int], tuple[Tensor, Tensor | None]]
"""Number of pictures -> codes (N, S) of a generator and their class sets (N, K), None for all classes."""


class HeldOut:
    """The discriminator's scores of COUNT training pictures, held-out ones and generated ones, unaugmented.

    source, held_out: the training pictures and others. The same pictures are judged every time. Raises UserError if
    they cannot be read.
    """

    def __init__(
        self, source: Source, held_out: Source, data: DataConfig, classes: int, seed: int, device: torch.device
    ) -> None:
        self.classes, self.device = classes, device
        drawn = (draw_real(each, data, classes, COUNT, seed) for each in (source, held_out))
        self.known, self.other = ((to_bytes(images), labels) for images, labels in drawn)

    @torch.inference_mode()
    def __call__(self, discriminator: Discriminator, generator: Generator, draw: Draw) -> dict[str, float]:
        """Figures: `held_out`, the mean score of held-out pictures, and `overfit`, what share of the distance between
        training and generated pictures lies between training and held-out ones.

        `overfit` is (E[D(training)] - E[D(held out)]) / (E[D(training)] - E[D(generated)]), the heuristic r_v of ADA
        (Karras et al., arXiv 2006.06676, equation 1): 0 without overfitting, 1 where held-out pictures look generated.
        A shift or scale of all scores cancels, so that it also serves relativistic losses. It is left out where
        training pictures do not score higher than generated ones.
        """
        known, other = (self._mean(discriminator, *pictures) for pictures in (self.known, self.other))
        codes, sets = draw(COUNT)
        parts = zip(codes.split(BATCH), [None] * COUNT if sets is None else sets.split(BATCH), strict=False)
        made = [generator(part, classes=present) for part, present in parts]
        fake = torch.cat([discriminator(each.image, each.mask) for each in made]).mean().item()
        overfit = {"overfit": (known - other) / (known - fake)} if known > fake else {}
        return {"held_out": other, **overfit}

    def _mean(self, discriminator: Discriminator, images: Tensor, labels: Tensor) -> float:
        """The mean score of images (N, 3, H, W) uint8 with labels (N, H, W)."""
        scores = [
            discriminator(
                image.to(self.device).float() / 127.5 - 1, SemanticMap.from_labels(part.to(self.device), self.classes)
            )
            for image, part in zip(images.split(BATCH), labels.split(BATCH), strict=True)
        ]  # (B, 1) each
        return torch.cat(scores).mean().item()


def to_bytes(images: Tensor) -> Tensor:
    """Images of bytes in -1..1, as bytes 0..255: a quarter of the memory."""
    return ((images + 1) * 127.5).round().to(torch.uint8)
