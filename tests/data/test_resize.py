"""Crop and resize images with their labels."""

import numpy as np
import pytest

from composegan.data import Sample, fit_sample
from composegan.data.resize import center_crop, resize_labels


@pytest.mark.parametrize(
    ("size", "target", "crop"),
    [
        ((10, 20), (5, 5), (slice(0, 10), slice(5, 15))),  # too wide: the middle columns
        ((30, 10), (8, 8), (slice(10, 20), slice(0, 10))),  # too tall: the middle rows
        ((20, 40), (4, 8), (slice(0, 20), slice(0, 40))),  # the same aspect ratio: all of it
        ((7, 7), (14, 28), (slice(1, 5), slice(0, 7))),  # enlarged and cropped
    ],
)
def test_center_crop_has_target_aspect_ratio(size, target, crop):
    assert center_crop(np.empty(size), *target) == crop


def test_resized_labels_take_class_at_pixel_center():
    labels = np.arange(36, dtype=np.uint8).reshape(6, 6)
    assert resize_labels(labels, 2, 2).tolist() == [[7, 10], [25, 28]]  # centers of the 3 x 3 blocks
    assert resize_labels(labels, 12, 12)[::2, ::2].tolist() == labels.tolist()


def test_resized_labels_add_no_class():
    labels = np.random.default_rng(0).choice(np.array([3, 200], np.uint8), (37, 53))
    assert set(np.unique(resize_labels(labels, 16, 64))) <= {3, 200}


def test_resized_labels_keep_share_of_thin_classes():
    """Lines one pixel wide, at random places: a majority vote over 8 x 8 would leave nothing of them."""
    labels = np.zeros((512, 512), np.uint8)
    labels[:, np.random.default_rng(0).choice(512, 40, replace=False)] = 1
    small = resize_labels(labels, 64, 64)
    assert 0.6 < small.mean() / labels.mean() < 1.6


def test_resized_image_and_labels_stay_aligned():
    labels = np.zeros((64, 96), np.uint8)
    labels[16:48, 32:64] = 1
    image = np.where(labels, 255, 0).astype(np.uint8)[None].repeat(3, 0)
    fitted = fit_sample(Sample(image, labels, "x"), 16, 16)
    assert fitted.image.shape == (3, 16, 16) and fitted.labels.shape == (16, 16) and fitted.name == "x"
    assert ((fitted.image[0] > 127) == fitted.labels).all()
    assert fitted.labels.sum() == 8 * 8


def test_resized_image_is_antialiased():
    stripes = np.tile(np.array([0, 255], np.uint8), (3, 64, 32))
    small = fit_sample(Sample(stripes, np.zeros((64, 64), np.uint8), "x"), 16, 16).image
    assert np.abs(small[:, :, 1:-1].astype(int) - 128).max() <= 4


def test_fitting_sample_is_returned_unchanged(towns):
    sample = towns(1)[0]
    assert fit_sample(sample, 24, 24) is sample
