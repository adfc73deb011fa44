"""Sliced Wasserstein distance of small patches at several scales; needs no network and no download.

After Karras et al. (arXiv 1710.10196, section 5 and appendix A), with plain pixel patches of an image pyramid: how
close two sets of images are in local structure, from sharp edges to broad layout. 0 for equal sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.metrics.figure import Figure
from composegan.metrics.rows import Describer, Rows
from composegan.plugin.contracts import Metric

if TYPE_CHECKING:
    from composegan.evaluation.evaluate import Evaluation

PATCH, STRIDE, LEVELS, PATCHES, DIRECTIONS = 7, 5, 3, 8192, 128
IMAGES = 256
"""`composegan evaluate` compares at most this many images."""


def patch_levels(images: Tensor) -> list[Tensor]:
    """A random draw of patches from each level of the image pyramid, always the same.

    images: (N, 3, H, W), float32 in -1..1 or uint8 -> at most LEVELS tensors (at most PATCHES, 3 PATCH^2). Levels
    smaller than a patch are left out; for smaller images the patch is the whole image.
    """
    if images.dtype == torch.uint8:
        images = images.float() / 127.5 - 1
    draws = torch.Generator().manual_seed(0)
    side = min(PATCH, *images.shape[2:])
    levels: list[Tensor] = []
    while len(levels) < LEVELS and min(images.shape[2:]) >= side:
        patches = F.unfold(images, side, stride=STRIDE).transpose(1, 2).flatten(0, 1)  # (N L, 3 PATCH^2)
        keep = torch.randperm(len(patches), generator=draws)[:PATCHES]
        levels.append(patches[keep.to(images.device)])
        images = F.avg_pool2d(images, 2)
    return levels


def sliced_wasserstein(real: list[Tensor], fake: list[Tensor]) -> float:
    """Mean over levels and random directions of the 1-D Wasserstein distance between projected patches.

    real, fake: `patch_levels` of sets of equal size; the distance is in the units of the images (-1..1).
    """
    draws = torch.Generator().manual_seed(0)
    distances = []
    for a, b in zip(real, fake, strict=True):
        directions = torch.randn(a.shape[1], DIRECTIONS, generator=draws).to(a.device)
        directions = directions / directions.norm(dim=0)  # (3 PATCH^2, DIRECTIONS)
        count = min(len(a), len(b))
        x, y = ((patches[:count] @ directions).sort(dim=0).values for patches in (a, b))
        distances.append((x - y).abs().mean())
    return torch.stack(distances).mean().item()


IMAGE_ROWS = Rows("images", lambda _: Describer(lambda images, labels: images.cpu(), limit=IMAGES), exact=True)
"""The images themselves, (B, 3, H, W)."""


def _distance(real: Tensor, fake: Tensor) -> float:
    return sliced_wasserstein(patch_levels(real), patch_levels(fake))


def _measure(evaluation: Evaluation) -> list[Figure]:
    sets, note = evaluation.sets(IMAGE_ROWS), "of patches of 7x7 pixels at three scales"
    if not len(sets.half_a):
        note += f"; real halves need {2 * IMAGES} real images"
    return [sets.figure("sliced_wasserstein", _distance, note=note)]


metric = Metric(
    rows=IMAGE_ROWS,
    summarize=patch_levels,
    compare=sliced_wasserstein,
    measure=_measure,
    needs_masks=False,
    position=30,
)
