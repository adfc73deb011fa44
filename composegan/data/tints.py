"""Covariances of the mean colours of classes between pictures: face and neck share their skin, doors their paint."""

from __future__ import annotations

import numpy as np

PRIOR = 10
"""Pictures with two classes, below which their covariance counts less than half."""


class Tints:
    """Sums over pictures, from which the covariances of all pairs of K classes follow."""

    def __init__(self, classes: int) -> None:
        self.both = np.zeros((classes, classes))
        self.means, self.products = np.zeros((classes, classes, 3)), np.zeros((classes, classes, 3, 3))

    def add(self, mean: np.ndarray, there: np.ndarray) -> None:
        """Add a picture: the mean colours (K, 3) of its classes, 0 for those that are not `there` (K,) bool."""
        index = np.flatnonzero(there)
        pairs, mean = np.ix_(index, index), mean[index]
        self.both[pairs] += 1
        self.means[pairs] += mean[:, None]  # of the first class of a pair
        self.products[pairs] += mean[:, None, :, None] * mean[None, :, None, :]

    def covariances(self) -> np.ndarray:
        """(K, K, 3, 3): those of two classes over the pictures with both, reduced where these are few."""
        both = np.maximum(self.both, 1)[..., None]  # (K, K, 1)
        mean = self.means / both  # (K, K, 3)
        found = self.products / both[..., None] - mean[..., None] * mean.transpose(1, 0, 2)[..., None, :]
        trust = np.where(np.eye(len(found), dtype=bool), 1, self.both / (self.both + PRIOR))
        return found * trust[..., None, None]
