"""Check the arrays of a sample."""

import numpy as np
import pytest

from composegan.data import Sample, UserError, check_sample


def sample(image_shape=(3, 4, 6), labels_shape=(4, 6), image_type=np.uint8, labels_type=np.uint8):
    return Sample(np.zeros(image_shape, image_type), np.zeros(labels_shape, labels_type), "a.png")


def test_check_sample_returns_good_sample():
    good = sample()
    assert check_sample(good, classes=1) is good


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (sample(image_shape=(4, 6)), r"a\.png: image is uint8 \(4, 6\); uint8 \(3, height, width\) is needed"),
        (sample(labels_shape=(1, 4, 6)), r"a\.png: labels is uint8 \(1, 4, 6\)"),
        (sample(image_type=np.float32), r"a\.png: image is float32"),
        (sample(labels_type=np.int64), r"a\.png: labels is int64"),
        (sample(image_shape=(4, 4, 6)), r"a\.png: the image has 4 channels"),
        (sample(labels_shape=(6, 4)), r"a\.png: the image is 4 x 6 but its labels are 6 x 4"),
    ],
)
def test_check_sample_rejects_wrong_arrays(bad, reason):
    with pytest.raises(UserError, match=reason):
        check_sample(bad, classes=1)


def test_check_sample_counts_wrong_labels():
    bad = sample()
    bad.labels[0, :3] = (4, 4, 250)
    bad.labels[1, 0] = 3
    with pytest.raises(
        UserError,
        match=r"a\.png: label values outside the vocabulary \(4, 250\) in 3 of 24 pixels; the 4 classes are 0\.\.3",
    ):
        check_sample(bad, classes=4)
    assert check_sample(bad, classes=251)
