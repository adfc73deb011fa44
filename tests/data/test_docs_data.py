"""The examples of docs/data.md work as they stand."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "data.md").read_text(encoding="utf-8")


BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def block(word):
    """The only example with a word in it."""
    (found,) = (text for text in BLOCKS if word in text)
    return found


@pytest.mark.parametrize(("name", "shape"), [("demo_faces", (4 * 96, 8 * 96, 3)), ("demo_cars", (4 * 96, 6 * 144, 3))])
def test_committed_picture_shows_the_demo(tmp_path, monkeypatch, name, shape):
    monkeypatch.chdir(tmp_path)
    exec(block(name), {})
    paths = f"{name}.png", DOCS / "images" / f"{name}.png"
    drawn, committed = (np.asarray(Image.open(path)).astype(int) for path in paths)
    assert drawn.shape == committed.shape == shape
    assert np.abs(drawn - committed).mean() < 1


def test_street_example_runs():
    names: dict = {}
    exec(block("draw_scene"), names)
    image, labels = names["image"], names["labels"]
    assert image.shape == (3, 64, 128) and labels.shape == (64, 128)
    assert np.unique(labels).tolist() == [0, 1, 2, 3]
    assert labels[60, 5] == 1 and labels[40, 30] == 2 and labels[35, 57] == 3 and labels[5, 5] == 0
    assert labels[51, 45] == 1 and image[0, 51, 45] < 80  # the shadow darkens the road, and the road is what it is on
    assert image[:, 40, 30].tolist() == [0xCC, 0x33, 0x33]


def test_docs_credit_artists():
    for word in ("Micah Lanier", "CC BY 4.0", "Pablo Stanley", "free for personal and"):
        assert word in TEXT


def test_docs_describe_packed_form():
    for word in ("images.npy", "labels.npy", "index.json", "data.on_error=skip", "COMPOSEGAN_CACHE"):
        assert f"`{word}`" in TEXT or word in TEXT
