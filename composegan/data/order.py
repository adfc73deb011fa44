"""The order of the training data: pure functions of the seed and the position in the stream.

Position p of the stream belongs to epoch p // N and is one place in that epoch's permutation, so any part of the stream
can be computed on its own: a run that is resumed, or split over devices, sees the same images.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

ORDER, FLIP = 1, 2  # the purpose of a draw: each has its own random numbers


@lru_cache(maxsize=4)
def permutation(seed: int, epoch: int, count: int) -> np.ndarray:
    """The order of one epoch: int64 (count,), every index once."""
    return np.random.default_rng([ORDER, seed, epoch]).permutation(count)


def stream_indices(positions: np.ndarray, seed: int, count: int, shift: int = 0) -> np.ndarray:
    """The index, out of `count` items, at each position: int64, in the shape of `positions` (int64 (B,)).

    shift: take the item that many places later in the same epoch's permutation, cyclically.
    """
    epochs, places = np.divmod(positions, count)
    indices = np.empty_like(positions)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        indices[here] = permutation(seed, int(epoch), count)[(places[here] + shift) % count]
    return indices


def stream_flips(positions: np.ndarray, seed: int) -> np.ndarray:
    """Whether the image at each position is mirrored: bool, the shape of `positions` (int64 (B,))."""
    key = np.random.SeedSequence([FLIP, seed]).generate_state(1, np.uint64)[0]
    return (mix(positions.astype(np.uint64) ^ key) >> np.uint64(63)).astype(bool)


def mix(words: np.ndarray) -> np.ndarray:
    """A hash of uint64 words, the finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit depends on every bit."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
