"""Photos and masks in every form that `Model.invert` takes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from composegan.api.photos import fit_photos
from composegan.data.color import PRIMARIES, matrix_profile, srgb_curve
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec, SemanticClass
from tests.data.picture_files import oriented

COLORS = [(0, 0, 0), (200, 30, 40), (20, 180, 60), (240, 230, 90)]
SPEC = DomainSpec("town", tuple(SemanticClass(f"c{k}", color) for k, color in enumerate(COLORS)))
LABELS = np.arange(4, dtype=np.uint8).repeat(8).reshape(4, 8)


def test_masks_in_any_form_give_the_same_labels(tmp_path):
    photo = Image.fromarray(np.array(COLORS, np.uint8)[LABELS])
    reversed_palette = Image.fromarray(3 - LABELS)
    reversed_palette.putpalette(bytes(np.array(COLORS[::-1], np.uint8)))
    reversed_palette.save(tmp_path / "mask.png")
    photo.save(tmp_path / "photo.png")
    masks = [LABELS, LABELS[None], [LABELS], Image.fromarray(LABELS), photo, reversed_palette, [tmp_path / "mask.png"]]
    for mask in masks:
        images, labels, _ = fit_photos(photo, mask, SPEC, 4, 8)
        np.testing.assert_array_equal(labels, LABELS[None])
        np.testing.assert_array_equal(images[0], np.asarray(photo))
    _, labels, _ = fit_photos(tmp_path / "photo.png", tmp_path / "mask.png", SPEC, 4, 8)
    np.testing.assert_array_equal(labels, LABELS[None])


def test_profile_of_an_opened_picture_is_honored(tmp_path):
    profile = matrix_profile(PRIMARIES[12], srgb_curve)
    Image.new("RGB", (8, 4), (234, 51, 35)).save(tmp_path / "p3.png", icc_profile=profile)
    for photo in (tmp_path / "p3.png", Image.open(tmp_path / "p3.png"), [Image.open(tmp_path / "p3.png")]):
        images, _, _ = fit_photos(photo, None, SPEC, 4, 8)
        assert np.abs(images[0].astype(int) - (255, 0, 0)).max() <= 2


def test_listed_files_are_turned_alike(tmp_path):
    Image.new("RGB", (4, 8)).save(tmp_path / "photo.jpg", exif=oriented(6))
    Image.fromarray(LABELS).rotate(90, expand=True).save(tmp_path / "mask.png")
    _, labels, _ = fit_photos([tmp_path / "photo.jpg"], [tmp_path / "mask.png"], SPEC, 4, 8)
    np.testing.assert_array_equal(labels, LABELS[None])


def test_lossy_mask_is_refused(tmp_path):
    Image.fromarray(LABELS).save(tmp_path / "mask.jpg")
    for mask in (Image.open(tmp_path / "mask.jpg"), [tmp_path / "mask.jpg"], tmp_path / "mask.jpg"):
        with pytest.raises(UserError, match="mask.* is compressed as JPEG"):
            fit_photos([Image.new("RGB", (8, 4))], mask, SPEC, 4, 8)
