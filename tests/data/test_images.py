import os

import numpy as np
import pytest
from PIL import Image

from composegan.data import UserError, images, read_image, read_labels

RED, CLEAR_RED = (255, 0, 0), (255, 0, 0, 0)


@pytest.fixture
def save(tmp_path):
    """Write a picture, in the format of its name, and give its path."""

    def write(picture, name="x.png", **options):
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return write


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK"])
def test_colours_arrive_whatever_the_mode(save, mode):
    path = save(Image.new("RGB", (5, 3), RED).convert(mode), "x.tif" if mode == "CMYK" else "x.png")
    pixels = read_image(path)
    assert pixels.shape == (3, 3, 5) and pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    assert np.abs(pixels[:, 1, 1].astype(int) - RED).max() <= 1


def test_grey_becomes_three_equal_channels(save):
    assert read_image(save(Image.new("L", (2, 2), 77)))[:, 0, 0].tolist() == [77, 77, 77]
    assert read_image(save(Image.new("1", (2, 2), 1)))[:, 0, 0].tolist() == [255, 255, 255]


def test_sixteen_bits_become_eight(save):
    ramp = np.array([[0, 257 * 100, 65535]], np.uint16)
    assert read_image(save(Image.fromarray(ramp)))[0, 0].tolist() == [0, 100, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_laid_on_white(save, mode):
    picture = Image.new("RGBA", (2, 1), CLEAR_RED)
    picture.putpixel((1, 0), (90, 90, 90, 255))
    pixels = read_image(save(picture.convert(mode)))
    assert pixels[:, 0, 0].tolist() == [255, 255, 255] and pixels[:, 0, 1].tolist() == [90, 90, 90]


def test_a_transparent_palette_colour_is_laid_on_white(save):
    picture = Image.new("P", (1, 1), 0)
    picture.putpalette([10, 20, 30])
    assert read_image(save(picture, transparency=0))[:, 0, 0].tolist() == [255, 255, 255]


def test_exif_orientation_is_respected(save):
    picture = Image.new("RGB", (4, 2), (0, 0, 0))
    picture.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate a quarter clockwise to see it upright
    pixels = read_image(save(picture, exif=exif))
    assert pixels.shape == (3, 4, 2) and pixels[0, 0].tolist() == [0, 255]


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(UserError, match=r"gone\.png: does not exist"):
        read_image(tmp_path / "gone.png")


def test_a_file_that_is_no_image(tmp_path):
    (tmp_path / "x.png").write_text("hello")
    with pytest.raises(UserError, match=r"x\.png: is not an image"):
        read_image(tmp_path / "x.png")
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"empty\.jpg: is not an image"):
        read_image(tmp_path / "empty.jpg")


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.tif", "x.webp", "x.bmp"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_truncated_file(save, name, part):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(Image.fromarray(noise), name)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(UserError, match=rf"{name}: .*(truncated|not an image)") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_a_folder_in_place_of_a_file(tmp_path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(UserError, match=r"x\.png: cannot be read \(Is a directory\)"):
        read_image(tmp_path / "x.png")


@pytest.mark.parametrize("position", [20, 40, 60, 200, 1000])
def test_a_damaged_file_raises_nothing_but_a_user_error(save, position):
    """Bits turned over in the middle of a PNG: the checksums tell, whatever Pillow makes of it."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(Image.fromarray(noise))
    data = bytearray(path.read_bytes())
    data[position : position + 8] = bytes(255 - byte for byte in data[position : position + 8])
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"x\.png: "):
        read_image(path)


def test_a_picture_over_the_limit_is_refused_before_it_is_unpacked(save, monkeypatch):
    path = save(Image.new("1", (300, 300)))
    monkeypatch.setattr(images, "MAX_PIXELS", 300 * 300)
    assert read_image(path).shape == (3, 300, 300)
    monkeypatch.setattr(images, "MAX_PIXELS", 300 * 300 - 1)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was unpacked"))
    with pytest.raises(UserError, match=r"x\.png: is 300 x 300 pixels, over the limit of 89,999"):
        read_image(path)


def test_a_decompression_bomb_is_refused(save, monkeypatch):
    path = save(Image.new("1", (300, 300)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow refuses by itself above twice its limit
    with pytest.raises(UserError, match=r"x\.png: is larger than the limit"):
        read_image(path)


def test_floating_point_pictures_are_refused(save):
    with pytest.raises(UserError, match="floating-point"):
        read_image(save(Image.new("F", (2, 2)), "x.tif"))


LABELS = np.array([[0, 1, 2], [3, 3, 0]], np.uint8)


def test_labels_as_indices(save, spec):
    assert (read_labels(save(Image.fromarray(LABELS)), spec) == LABELS).all()
    assert (read_labels(save(Image.fromarray(LABELS.astype(np.uint16))), spec) == LABELS).all()


def test_labels_as_a_palette_are_its_indices(save, spec):
    picture = Image.fromarray(LABELS)
    picture.putpalette([10, 250, 0, 20, 240, 0, 30, 230, 0, 40, 220, 0])
    assert picture.mode == "P"
    assert (read_labels(save(picture), spec) == LABELS).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_labels_in_the_colours_of_the_classes(save, spec, mode):
    colors = np.array(spec.colors, np.uint8)[LABELS]
    labels = read_labels(save(Image.fromarray(colors).convert(mode)), spec)
    assert labels.dtype == np.uint8 and (labels == LABELS).all()


def test_colours_that_are_no_class_are_counted_and_listed(save, spec):
    colors = np.array(spec.colors, np.uint8)[LABELS]
    colors[0, 0], colors[1] = (1, 2, 3), (7, 7, 7)
    with pytest.raises(
        UserError, match=r"x\.png: .* no class of domain 'town', \(1, 2, 3\), \(7, 7, 7\), in 4 of 6 pixels;"
    ):
        read_labels(save(Image.fromarray(colors)), spec)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_values_outside_the_vocabulary(save, spec, kind):
    with pytest.raises(UserError, match=r"x\.png: label values outside the vocabulary \(9\) in 1 of 2"):
        read_labels(save(Image.fromarray(np.array([[9, 0]], kind))), spec)


def test_values_over_eight_bits(save, spec):
    with pytest.raises(UserError, match=r"x\.png: has label value 900"):
        read_labels(save(Image.fromarray(np.array([[900]], np.uint16))), spec)


def test_labels_of_another_kind(save, spec):
    with pytest.raises(UserError, match="is a CMYK image"):
        read_labels(save(Image.new("CMYK", (2, 2)), "x.tif"), spec)


def test_only_formats_of_pictures_are_tried(save, tmp_path):
    """PostScript would be handed to its interpreter."""
    path = save(Image.new("RGB", (4, 4)), "x.eps").rename(tmp_path / "x.png")
    with pytest.raises(UserError, match="x.png: is not an image that can be read"):
        read_image(path)
    for kind in ("jpg", "webp", "bmp", "tif"):
        assert read_image(save(Image.new("RGB", (4, 4)), f"x.{kind}")).shape == (3, 4, 4)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(UserError, match="x.png: is no image .it is a pipe or a device, not a file"):
        read_image(tmp_path / "x.png")


def test_a_picture_in_strips_is_the_whole_one(save, monkeypatch):
    draws = np.random.default_rng(0)
    for mode, depth in (("RGB", 3), ("RGBA", 4), ("LA", 2)):
        path = save(Image.fromarray(draws.integers(0, 256, (13, 7, depth), dtype=np.uint8), mode))
        whole = read_image(path)
        monkeypatch.setattr(images, "STRIP", 14)
        assert np.array_equal(read_image(path), whole)
        monkeypatch.undo()


def test_a_picture_of_too_many_rows(save):
    with pytest.raises(UserError, match=r"x.png: is 1 x 70000 pixels; a side has 65,536 at most"):
        read_image(save(Image.new("1", (1, 70_000))))


def test_foreign_colours_are_counted_over_all_strips(save, spec, monkeypatch):
    pixels = np.zeros((6, 4, 3), np.uint8)
    pixels[:] = spec.colors[1]
    assert (read_labels(save(Image.fromarray(pixels)), spec) == 1).all()
    for row in range(6):
        pixels[row, 0] = (250 - row, 1, 1)
    monkeypatch.setattr(images, "STRIP", 8)
    with pytest.raises(UserError) as caught:
        read_labels(save(Image.fromarray(pixels)), spec)
    assert "(245, 1, 1), (246, 1, 1), (247, 1, 1), (248, 1, 1), ..., in 6 of 24 pixels" in str(caught.value)


def test_labels_below_zero(save, spec):
    with pytest.raises(UserError, match="has label value -3; class indices are needed"):
        read_labels(save(Image.fromarray(np.full((2, 2), -3, np.int32)), "x.tif"), spec)
