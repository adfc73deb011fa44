"""Photos and masks for a model, as a user supplies them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from composegan.data import UserError
from composegan.data.photos import PhotoFiles


@pytest.fixture
def find(spec, tmp_path):
    """(photos, masks) below the test's folder -> what is found, for a model of 8 x 8."""

    def find(photos, masks=None, size=(8, 8)):
        return PhotoFiles.find(tmp_path / photos, tmp_path / masks if masks else None, spec, *size)

    return find


@pytest.fixture
def save(tmp_path):
    def save(name, picture, **options):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(tmp_path / name, **options)

    return save


def ramp(height, width):
    """Red grows to the right, green downwards."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, 0 * x], axis=2).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (300, 200), (3, 5), (1, 40)])
def test_photos_of_any_size_are_resized(find, save, height, width):
    save("photos/x.jpg", Image.fromarray(ramp(height, width)))
    (photo,) = find("photos")
    assert photo.image.shape == (3, 8, 8) and photo.image.dtype == np.uint8 and photo.labels is None


def test_photo_and_mask_of_any_size_are_cropped_alike(find, save):
    labels = np.zeros((64, 96), np.uint8)
    labels[:, 48:] = 2
    save("photos/x.png", Image.fromarray(ramp(64, 96)))
    save("masks/x.png", Image.fromarray(labels))
    save("small/x.png", Image.fromarray(labels[::2, ::2]))
    for masks in ("masks", "small"):
        (photo,) = find("photos", masks)
        assert (photo.labels[:, :4] == 0).all() and (photo.labels[:, 4:] == 2).all()
    assert photo.image[0, 0, 0] > 255 / 6 and photo.image[0, 0, 7] < 255 * 5 / 6  # a sixth is off at each side


def test_masks_match_by_name_and_are_optional(find, save):
    for name in ("b", "a", "c"):
        save(f"photos/{name}.png", Image.fromarray(ramp(8, 8)))
    save("masks/b.png", Image.new("L", (8, 8), 1))
    files = find("photos", "masks")
    assert files.names == ["a", "b", "c"] and list(files.masks) == ["b"]
    assert [photo.labels is None for photo in files] == [True, False, True]
    save("other.png", Image.new("L", (8, 8), 1))
    assert list(find("photos/a.png", "other.png").masks) == ["a"]


def refused(call):
    with pytest.raises(UserError) as error:
        call()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_missing_photos_and_masks_raise(find, save, tmp_path):
    save("photos/x.png", Image.fromarray(ramp(8, 8)))
    save("photos/y.png", Image.fromarray(ramp(8, 8)))
    (tmp_path / "empty").mkdir()
    assert refused(lambda: find("none")) == f"photos={tmp_path}/none: no such file or folder"
    assert refused(lambda: find("photos", "none")).startswith(f"masks={tmp_path}/none: no such")
    assert "there are no images in it (.bmp" in refused(lambda: find("empty"))
    save("masks/z.png", Image.new("L", (8, 8), 1))
    assert "has no mask of the same name as a photo, such as x.png" in refused(lambda: find("photos", "masks"))
    save("photos/x.jpg", Image.fromarray(ramp(8, 8)))
    assert "has the same name" in refused(lambda: find("photos"))


def test_unusable_masks_raise(find, save, tmp_path):
    save("photos/x.png", Image.fromarray(ramp(8, 8)))
    bad = np.zeros((8, 8), np.uint8)
    bad[0, :3], bad[1, 0] = 200, 9
    save("masks/x.png", Image.fromarray(bad))
    message = refused(lambda: list(find("photos", "masks")))
    assert message == (
        f"{tmp_path}/masks/x.png: label values outside the vocabulary (9, 200) in 4 of 64 pixels; "
        "the 4 classes are 0..3; correct them, or add each to `ids` of domain 'town', as VALUE: CLASS or VALUE: void"
    )
    save("masks/x.png", Image.new("RGB", (8, 8), (1, 2, 3)))
    assert "colors that are no class of domain 'town', (1, 2, 3)" in refused(lambda: list(find("photos", "masks")))
    save("masks/x.png", Image.new("L", (16, 8), 1))
    assert "is 8 x 16 but its image is 8 x 8" in refused(lambda: list(find("photos", "masks")))


@pytest.mark.parametrize("place", ["photos", "photos/train", "photos/night/more"])
def test_labels_beside_images_are_no_photos(find, save, place):
    for part in ("images", "labels"):
        save(f"{place}/{part}/x.png", Image.new("L", (8, 8)))
    save("photos/labels.png", Image.new("L", (8, 8)))
    assert sorted(name.rpartition("/")[2] for name in find("photos").names) == ["labels", "x"]
    assert find(f"{place}/labels").names == ["x"]
