"""A small labelled set, and the package: as installed or, if it is not, in place."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from composegan.data import FolderSource
from composegan.plugin import registry
from composegan.plugin.domain_file import read_domain_file

HERE = Path(__file__).parents[1]
COLORS = np.array([[10, 10, 10], [200, 40, 40], [40, 40, 200]])
SHAPES = """
classes:
  - {name: ground, color: [10, 10, 10]}
  - {name: ball, color: [200, 40, 40]}
  - {name: glass, color: [40, 40, 200], transparent: true}
"""
TINY = """
recipe=quick data.height=16 data.width=16 data.workers=1 trainer.accelerator=cpu trainer.threads=1
model.latent_channels=16 model.mapping_layers=2 model.local_layers=3 model.base_layers=1 model.depth_layers=2
model.local_channels=8 model.coarse_channels=8 model.coarse_size=8 model.min_feat_size=4 model.max_channels=8
model.discriminator_max_channels=8 training.batch=2 training.images=8 training.r1_every=2 training.path_every=2
output.samples=2 output.log_every=2 output.samples_every=8 output.checkpoint_every=4 output.score_every=4
output.score_samples=4
"""

try:
    distribution("composegan-extensions")
except PackageNotFoundError:
    registry.add_plugin_path(HERE)


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    """A folder with shapes.yaml, and in data/ twelve images of 16x16 in the plain layout."""
    home = tmp_path_factory.mktemp("shapes")
    (home / "shapes.yaml").write_text(SHAPES)
    for part in ("images", "labels"):
        (home / "data" / part).mkdir(parents=True)
    for index in range(12):
        draws = np.random.default_rng(index)
        labels = draws.choice(3, (4, 4), p=(0.6, 0.1, 0.3)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
        image = (COLORS[labels] + draws.integers(-9, 10, (16, 16, 3))).clip(0, 255).astype(np.uint8)
        Image.fromarray(image).save(home / "data" / "images" / f"{index:02d}.png")
        Image.fromarray(labels).save(home / "data" / "labels" / f"{index:02d}.png")
    return home


@pytest.fixture(scope="session")
def spec(shapes):
    return read_domain_file(shapes / "shapes.yaml")


@pytest.fixture(scope="session")
def folder(shapes, spec):
    return FolderSource(shapes / "data", spec)


@pytest.fixture(scope="session")
def tiny():
    """Settings of a run of four steps."""
    return TINY.split()
