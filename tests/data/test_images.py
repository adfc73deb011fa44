"""Decoding of image and label files: modes, limits, and one error line for whatever is wrong with a file."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from composegan.data import UserError, images, read_image, read_labels

LABELS = np.array([[0, 1, 2], [3, 3, 0]], np.uint8)


@pytest.fixture
def save(tmp_path):
    """Write a picture in the format of its name; returns its path."""

    def write(picture, name="x.png", **options):
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return write


def test_read_image_in_strips_equals_whole(save, monkeypatch):
    draws = np.random.default_rng(0)
    for mode, depth in (("RGB", 3), ("RGBA", 4), ("LA", 2)):
        path = save(Image.fromarray(draws.integers(0, 256, (13, 7, depth), dtype=np.uint8), mode))
        whole = read_image(path)
        monkeypatch.setattr(images, "STRIP", 14)
        assert np.array_equal(read_image(path), whole)
        monkeypatch.undo()


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.tif", "x.webp", "x.bmp"])
@pytest.mark.parametrize("seed", range(8))
def test_read_image_of_corrupt_file_raises_user_error_only(save, name, seed):
    """Cut short, or with some bytes inverted; formats without checksums may decode to other pixels."""
    draws = np.random.default_rng(seed)
    path = save(Image.fromarray(draws.integers(0, 256, (64, 64, 3), dtype=np.uint8)), name)
    data = bytearray(path.read_bytes())
    cut = seed < 3
    if cut:
        del data[int(len(data) * draws.uniform(0, 0.95)) :]
    else:
        place = int(draws.integers(0, len(data) - 8))
        data[place : place + 8] = bytes(255 - byte for byte in data[place : place + 8])
    path.write_bytes(data)
    try:
        pixels = read_image(path)
    except UserError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    else:
        assert not cut and name != "x.png" and pixels.ndim == 3


def test_read_image_names_unreadable_files(save, tmp_path):
    (tmp_path / "x.txt").write_text("hello")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    save(Image.new("RGB", (4, 4)), "x.eps").rename(tmp_path / "postscript.png")  # Pillow would start an interpreter
    for name, reason in (
        ("gone.png", "does not exist"),
        ("x.txt", "is not an image that can be read"),
        ("empty.jpg", "is not an image that can be read"),
        ("postscript.png", "is not an image that can be read"),
        ("folder.png", "cannot be read (Is a directory)"),
        ("pipe.png", "cannot be read (it is a pipe or a device, not a file)"),
    ):
        with pytest.raises(UserError) as caught:
            read_image(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: {reason}; ")


def test_read_image_rejects_large_pictures_before_decoding(save, monkeypatch):
    path = save(Image.new("1", (300, 300)))
    monkeypatch.setattr(images, "MAX_PIXELS", 300 * 300)
    assert read_image(path).shape == (3, 300, 300)
    monkeypatch.setattr(images, "MAX_PIXELS", 300 * 300 - 1)
    long = save(Image.new("1", (1, 70_000)), "long.png")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(UserError, match=r"x\.png: is 300 x 300 pixels, over the limit of 89,999"):
        read_image(path)
    with pytest.raises(UserError, match=r"long\.png: is 1 x 70000 pixels; a side has 65,536 at most"):
        read_image(long)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow itself raises above twice its limit
    with pytest.raises(UserError, match=r"x\.png: is over the limit of 89,999 pixels"):
        read_image(path)


def test_read_labels_counts_and_lists_other_colors(save, spec, monkeypatch):
    colors = np.array(spec.colors, np.uint8)[LABELS]
    colors[0, 0], colors[1] = (1, 2, 3), (7, 7, 7)
    with pytest.raises(
        UserError, match=r"x\.png: .* no class of domain 'town', \(1, 2, 3\), \(7, 7, 7\), in 4 of 6 pixels;"
    ):
        read_labels(save(Image.fromarray(colors)), spec)
    pixels = np.full((6, 4, 3), spec.colors[1], np.uint8)
    pixels[:, 0] = [(250 - row, 1, 1) for row in range(6)]
    monkeypatch.setattr(images, "STRIP", 8)  # counted over several strips
    with pytest.raises(UserError) as caught:
        read_labels(save(Image.fromarray(pixels)), spec)
    assert "(245, 1, 1), (246, 1, 1), (247, 1, 1), (248, 1, 1), ..., in 6 of 24 pixels" in str(caught.value)
