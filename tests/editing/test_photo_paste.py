"""Edits carried back into a photo at its own resolution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from composegan.data.framing import Frame, Framed, frame_at, parse_crop
from composegan.editing.find_frame import coarse_frames, find_frame
from composegan.editing.inversion_folder import frames_in
from composegan.editing.likeness import Likeness, References
from composegan.editing.photo_paste import Change, extended, paste_into_photo, thick
from composegan.editing.tuning import brief_ramp
from composegan.errors import UserError
from composegan.io.atomic import write_json
from composegan.model.photo_files import read_photos, write_photos


def change(region, before=100, after=150, labels=None, new_labels=None):
    """A 16 x 16 picture of one grey, another within the region."""
    picture = np.full((16, 16, 3), before, np.uint8)
    new = np.where(region[..., None], after, picture).astype(np.uint8)
    labels = np.zeros((16, 16), np.uint8) if labels is None else labels
    return Change(picture, new, labels, labels if new_labels is None else new_labels, region)


def photo_of(frame, size=(96, 128)):
    """A photo with noise, which is its detail."""
    pixels = np.random.default_rng(0).integers(90, 111, (*size, 3)).astype(np.uint8)
    return Framed("a", pixels, frame)


@pytest.fixture
def region():
    region = np.zeros((16, 16), bool)
    region[5:11, 5:11] = True
    return region


def test_detail_stays_where_a_class_stays(region):
    photo = photo_of(Frame(16, 0, 96, 96))
    found = paste_into_photo(photo, change(region)).pixels.astype(int)
    core = (slice(45, 51), slice(61, 67))
    assert np.abs(found[core] - photo.pixels[core] - 50).max() <= 2


def test_pixels_away_from_the_edit_are_unchanged(region):
    photo = photo_of(Frame(16, 0, 96, 96))
    same = (paste_into_photo(photo, change(region)).pixels == photo.pixels).all(axis=2)
    same[12:84, 28:100] = True  # the region and three pixels of the model around it
    assert same.all()


def test_edit_without_a_region_returns_the_photo(region):
    photo = photo_of(Frame(0, 0, 96, 96))
    assert (paste_into_photo(photo, change(np.zeros_like(region))).pixels == photo.pixels).all()


def test_model_picture_replaces_the_photo_where_a_class_appears(region):
    photo = photo_of(Frame(16, 0, 96, 96))
    found = paste_into_photo(photo, change(region, after=200, new_labels=region.astype(np.uint8))).pixels.astype(int)
    assert np.abs(found[45:51, 61:67] - 200).max() <= 2  # without the noise of the photo


def test_seam_is_soft_at_an_edge_of_the_frame_within_the_photo():
    photo = photo_of(Frame(16, 0, 96, 96))
    found = paste_into_photo(photo, change(np.ones((16, 16), bool))).pixels.astype(int) - photo.pixels
    assert np.abs(found[:, 16]).max() <= 2 and found[0, 64].min() > 45  # the upper edge is the photo's own
    assert (np.diff(found[48, 16:24, 0]) >= -1).all()


def test_strips_make_no_difference(region, monkeypatch):
    photo = photo_of(Frame(16, 0, 96, 96))
    whole = paste_into_photo(photo, change(region)).pixels
    monkeypatch.setattr("composegan.editing.photo_paste.STRIP", 7)
    assert np.abs(paste_into_photo(photo, change(region)).pixels.astype(int) - whole).max() <= 1


def test_extended_keeps_known_values_and_fills_the_rest():
    values = torch.arange(64.0).view(1, 8, 8)
    known = torch.zeros(8, 8, dtype=torch.bool)
    known[2, 3] = known[6, 1] = True
    found = extended(values, known)
    assert found[0, 2, 3] == 19 and found[0, 6, 1] == 49 and found.min() >= 19 and found.max() <= 49


def test_thick_drops_single_lines():
    region = torch.zeros(8, 8, dtype=torch.bool)
    region[1] = True
    region[4:6, 2:4] = True
    found = thick(region)
    assert not found[1].any() and found[4:6, 2:4].all() and found.sum() == 4


def test_photos_survive_saving(tmp_path):
    photos = [photo_of(Frame(16, 0, 96, 96)), photo_of(Frame(0, 0, 96, 96))]  # of one name
    write_photos(tmp_path / "photos", photos)
    found = read_photos(tmp_path / "photos", 2)
    assert [photo.frame for photo in found] == [photo.frame for photo in photos]
    assert all((a.pixels == b.pixels).all() for a, b in zip(found, photos, strict=True))
    with pytest.raises(UserError, match="2 photos for 3 pictures"):
        read_photos(tmp_path / "photos", 3)


@pytest.mark.parametrize(
    ("crop", "reason"),
    [("1,2", "three whole numbers"), ("a,b,c", "three whole numbers"), ("1,1,0", "must be 1 or more")],
)
def test_bad_crop_is_refused(crop, reason):
    with pytest.raises(UserError, match=reason):
        parse_crop(crop)


def test_crop_outside_of_the_photo_is_refused():
    photo = np.zeros((3, 60, 80), np.uint8)
    assert frame_at((20, 0, 60), photo, "a", 16, 16) == Frame(20, 0, 60, 60)
    with pytest.raises(UserError, match=r"crop=30,0,60: is outside of a, which is 80x60"):
        frame_at((30, 0, 60), photo, "a", 16, 16)


def test_frame_scales_to_smaller_labels():
    assert Frame(20, 40, 60, 60).scaled(120, 160, 60, 80) == Frame(10, 20, 30, 30)


def test_frames_are_read_from_an_inversion(tmp_path):
    write_json(tmp_path / "inversion.json", {"each": [{"photo": "a", "frame": [1, 2, 3, 3], "size": [10, 20]}]})
    assert frames_in(tmp_path / "codes.npz") == {"a": (Frame(1, 2, 3, 3), (10, 20))}
    write_json(tmp_path / "inversion.json", {"each": [{"photo": "a", "frame": [1, 2, 30, 30], "size": [10, 20]}]})
    with pytest.raises(UserError, match="is not within a photo of 20x10"):
        frames_in(tmp_path)


class Brightness(References):
    """A model that draws white squares on black: the distance is that of the mean brightness within and around."""

    def distances(self, images):
        wanted = np.zeros((3, self.height, self.width))
        wanted[:, 4:12, 4:12] = 255
        return np.abs(images - wanted).mean(axis=(1, 2, 3)) / 255


def test_search_finds_the_frame():
    photo = np.zeros((3, 120, 200), np.uint8)
    photo[:, 40:70, 130:160] = 255  # a frame of 60 at (115, 25)
    found = find_frame(photo, Brightness(16, 16, None, None, None, near=0.01))
    assert abs(found.frame.left - 115) <= 3 and abs(found.frame.top - 25) <= 3 and abs(found.frame.width - 60) <= 5
    assert found.distance < 0.5 * found.central


def test_central_frame_stays_if_it_is_like_the_data():
    photo = np.zeros((3, 64, 80), np.uint8)
    photo[:, 16:48, 24:56] = 255
    assert find_frame(photo, Brightness(16, 16, None, None, None, near=0.1)).frame == Frame(8, 0, 64, 64)


def test_coarse_frames_lie_within_the_photo():
    frames = coarse_frames(60, 100, 16, 32)
    assert all(frame.inside(60, 100) for frame in frames) and len(frames) > 50


def test_likeness_says_how_usual_a_photo_is():
    usual = tuple(np.linspace(0.1, 1.0, 101).tolist())
    assert str(Likeness(0.55, usual, "x")).startswith("is like the pictures of the model: 0.55 from x, and 50% of")
    assert Likeness(1.2, usual, "x").unlike and not Likeness(1.2, usual, "x", factor=2.0).unlike


def test_brief_ramp_ends_at_zero():
    assert brief_ramp(0.2) == pytest.approx(1) and brief_ramp(1.0) == 0 and brief_ramp(0.1) < 0.6


def test_pasted_photo_can_be_opened(tmp_path, region):
    write_photos(tmp_path / "photos", [paste_into_photo(photo_of(Frame(16, 0, 96, 96)), change(region))])
    with Image.open(tmp_path / "photos" / "a.png") as picture:
        assert picture.size == (128, 96)
