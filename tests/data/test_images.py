"""Decoding of image and label files: modes, limits, and one error line for whatever is wrong with a file."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from composegan.data import UserError, images, read_image, read_labels

RED, CLEAR_RED = (255, 0, 0), (255, 0, 0, 0)
LABELS = np.array([[0, 1, 2], [3, 3, 0]], np.uint8)


@pytest.fixture
def save(tmp_path):
    """Write a picture in the format of its name; returns its path."""

    def write(picture, name="x.png", **options):
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return write


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK"])
def test_read_image_converts_modes_to_rgb(save, mode):
    path = save(Image.new("RGB", (5, 3), RED).convert(mode), "x.tif" if mode == "CMYK" else "x.png")
    pixels = read_image(path)
    assert pixels.shape == (3, 3, 5) and pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    assert np.abs(pixels[:, 1, 1].astype(int) - RED).max() <= 1


def test_read_image_converts_gray_and_16_bit(save):
    assert read_image(save(Image.new("L", (2, 2), 77)))[:, 0, 0].tolist() == [77, 77, 77]
    assert read_image(save(Image.new("1", (2, 2), 1)))[:, 0, 0].tolist() == [255, 255, 255]
    ramp = np.array([[0, 257 * 100, 65535]], np.uint16)
    assert read_image(save(Image.fromarray(ramp)))[0, 0].tolist() == [0, 100, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_read_image_composes_transparency_over_white(save, mode):
    picture = Image.new("RGBA", (2, 1), CLEAR_RED)
    picture.putpixel((1, 0), (90, 90, 90, 255))
    pixels = read_image(save(picture.convert(mode)))
    assert pixels[:, 0, 0].tolist() == [255, 255, 255] and pixels[:, 0, 1].tolist() == [90, 90, 90]


def test_read_image_composes_transparent_palette_over_white(save):
    picture = Image.new("P", (1, 1), 0)
    picture.putpalette([10, 20, 30])
    assert read_image(save(picture, transparency=0))[:, 0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_read_image_applies_exif_orientation(save, orientation):
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # EXIF orientation -> Image.Transpose
    ramp = np.arange(12, dtype=np.uint8).reshape(3, 4)
    picture, exif = Image.fromarray(ramp), Image.Exif()
    if orientation in turns:
        picture = picture.transpose(Image.Transpose(turns[orientation]))
    exif[0x0112] = orientation
    assert (read_image(save(picture, exif=exif))[0] == ramp).all()


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


def test_read_image_rejects_floating_point(save):
    with pytest.raises(UserError, match="floating-point"):
        read_image(save(Image.new("F", (2, 2)), "x.tif"))


def test_read_labels_takes_indices_and_palette_indices(save, spec):
    palette = Image.fromarray(LABELS)
    palette.putpalette([10, 250, 0, 20, 240, 0, 30, 230, 0, 40, 220, 0])
    assert palette.mode == "P"
    for picture in (Image.fromarray(LABELS), Image.fromarray(LABELS.astype(np.uint16)), palette):
        assert (read_labels(save(picture), spec) == LABELS).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_read_labels_takes_class_colors(save, spec, mode):
    colors = np.array(spec.colors, np.uint8)[LABELS]
    labels = read_labels(save(Image.fromarray(colors).convert(mode)), spec)
    assert labels.dtype == np.uint8 and (labels == LABELS).all()


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


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (Image.fromarray(np.array([[9, 0]], np.uint8)), "label values outside the vocabulary (9) in 1 of 2"),
        (Image.fromarray(np.array([[9, 0]], np.uint16)), "label values outside the vocabulary (9) in 1 of 2"),
        (Image.fromarray(np.array([[900]], np.uint16)), "has label value 900; class indices are needed, 0..3"),
        (Image.fromarray(np.full((2, 2), -3, np.int32)), "has label value -3; class indices are needed"),
        (Image.new("CMYK", (2, 2)), "is a CMYK image"),
    ],
)
def test_read_labels_rejects_other_values(save, spec, picture, reason):
    path = save(picture, "x.tif")
    with pytest.raises(UserError) as caught:
        read_labels(path, spec)
    assert str(caught.value).startswith(f"{path}: {reason}")
