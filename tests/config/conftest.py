"""Domains made on the spot, for tests of the configuration."""

from __future__ import annotations

import pytest

PETS = """
api: 1
title: Pets
classes:
  - {name: background, color: [0, 0, 0]}
  - {name: cat, color: [200, 0, 0], category: animal/mammal, optional: true}
  - {name: glass, color: [0, 0, 200], transparent: true}
recipes:
  wide:
    about: |
      128x192, for one GPU
      composegan fit domain=./pets.yaml recipe=wide
    data: {height: 128, width: 192}
    training.batch: 4
  quick:
    training: {images: 800}
foreign:
  coco: {17: cat}
credits: [Nobody, CC0]
"""


@pytest.fixture
def pets(tmp_path):
    """A domain file with a recipe of its own, and overrides of a common one."""
    path = tmp_path / "pets.yaml"
    path.write_text(PETS)
    return path
