"""Kernel distance and inception score of precomputed features; torchmetrics does the arithmetic.

`sync_on_compute=False`: only rank 0 computes scores, and torchmetrics would wait for the others.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from composegan.metrics.figure import TooFewImagesError

SUBSET, SUBSETS, SPLITS = 1000, 20, 10


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel `(x y / D + 1)^3` (Binkowski et al., arXiv 1801.01401).

    real, fake: (N, D), (M, D). For more than SUBSET images, the mean over SUBSETS random draws of that many. Its
    expectation is 0 for two sets of one distribution, so it may be negative. Raises UserError for fewer than 2 rows.
    """
    size = min(SUBSET, len(real), len(fake))
    if size < 2:
        raise TooFewImagesError(f"{size} images are too few; a kernel distance needs at least 2")
    everything = size == len(real) == len(fake)
    with _quiet():
        metric = KernelInceptionDistance(
            _AsGiven(), subsets=1 if everything else SUBSETS, subset_size=size, sync_on_compute=False
        )
        metric.update(real.double(), real=True)
        metric.update(fake.double(), real=False)
        return metric.compute()[0].item()


def inception_score(logits: Tensor) -> float:
    """`exp E KL(p(y|x) || p(y))`, the mean over SPLITS parts (Salimans et al., arXiv 1606.03498); higher is better.

    logits: (N, classes). It is at most the number of images in a part, so few images score low.
    Raises UserError for fewer than 2 images.
    """
    if len(logits) < 2:
        raise TooFewImagesError(f"{len(logits)} images are too few; an inception score needs at least 2")
    with _quiet():
        metric = InceptionScore(_AsGiven(), splits=min(SPLITS, len(logits) // 2), sync_on_compute=False)
        metric.update(logits.double())
        return metric.compute()[0].item()


class _AsGiven(nn.Module):
    """Stands in for the network, as the features are computed already."""

    def forward(self, features: Tensor) -> Tensor:
        return features


@contextmanager
def _quiet() -> Iterator[None]:
    """Seed the random draws of the block, restore the global state after it, and silence warnings about memory."""
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        yield
