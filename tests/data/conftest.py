"""A small vocabulary, and folders of labelled images to read."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from composegan.data import Sample
from composegan.plugin.domain import DomainSpec, SemanticClass

COLORS = [(0, 0, 0), (200, 30, 40), (20, 180, 60), (240, 230, 90)]


@pytest.fixture
def spec():
    """Four classes: ground, house, tree, sun."""
    names = ("ground", "house", "tree", "sun")
    return DomainSpec("town", tuple(SemanticClass(name, color) for name, color in zip(names, COLORS, strict=True)))


def town_sample(index, height=24, width=24):
    """A picture of town: an image that shows its labels, with some noise; a pure function of the index."""
    rng = np.random.default_rng(index)
    labels = rng.integers(0, 4, (4, 4), dtype=np.uint8).repeat(-(-height // 4), 0).repeat(-(-width // 4), 1)
    labels = np.ascontiguousarray(labels[:height, :width])
    image = np.clip(np.array(COLORS)[labels] + rng.integers(-9, 10, (height, width, 3)), 0, 255).astype(np.uint8)
    return Sample(np.ascontiguousarray(image.transpose(2, 0, 1)), labels, f"town {index}")


class Towns:
    """A source of town_sample; `bad` items raise, as a damaged file would."""

    def __init__(self, count, height=24, width=24, bad=()):
        self.count, self.height, self.width, self.bad = count, height, width, frozenset(bad)

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        from composegan.data import UserError

        if index in self.bad:
            raise UserError(f"town {index}: is damaged")
        return town_sample(index, self.height, self.width)


@pytest.fixture
def towns():
    return Towns


@pytest.fixture
def write_folder(tmp_path):
    """(count, name) -> a folder in the plain layout, images as PNG, labels as class indices."""

    def write(count=3, name="data", height=24, width=24):
        root = tmp_path / name
        for part in ("images", "labels"):
            (root / part).mkdir(parents=True)
        for index in range(count):
            sample = town_sample(index, height, width)
            Image.fromarray(sample.image.transpose(1, 2, 0)).save(root / "images" / f"{index}.png")
            Image.fromarray(sample.labels).save(root / "labels" / f"{index}.png")
        return root

    return write
