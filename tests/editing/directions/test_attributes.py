"""Figures of pictures that are made by hand."""

from __future__ import annotations

import math

import pytest
import torch

from composegan.editing.directions.attributes import FIGURES, class_attribute
from composegan.errors import UserError

NAMES = ("ground", "ball")


@pytest.fixture
def pictures():
    """Three of 8 x 4: a red ball of 2 x 1 in the top left corner of green; a grey one of 4 x 4 below; none at all."""
    labels = torch.zeros(3, 8, 4, dtype=torch.uint8)
    labels[0, :2, :1] = 1
    labels[1, 4:] = 1
    images = torch.full((3, 3, 8, 4), -1.0)
    images[:, 1] = 1  # green
    images[0, :, :2, :1] = torch.tensor([1.0, -1, -0.5]).view(3, 1, 1)
    images[1, :, 4:] = 0
    return images, labels


@pytest.mark.parametrize(
    ("figure", "wanted"),
    [
        ("area", [2 / 32, 0.5, 0]),
        ("presence", [1, 1, 0]),
        ("y", [1 / 8, 6 / 8, math.nan]),
        ("x", [1 / 8, 1 / 2, math.nan]),
        ("brightness", [0.299 + 0.114 / 4, 0.5, math.nan]),
        ("saturation", [1, 0, math.nan]),
        ("red", [1 - 0.125, 0, math.nan]),
        ("green", [-0.625, 0, math.nan]),
        ("blue", [0.25 - 0.5, 0, math.nan]),
        ("hue", [math.atan2(-math.sqrt(3) / 4, 2 - 0.25) / (2 * math.pi), math.nan, math.nan]),
    ],
)
def test_a_figure_of_the_ball(pictures, figure, wanted):
    attribute = class_attribute(f"{figure}(ball)", NAMES)
    assert (attribute.kind, attribute.subject, attribute.binary) == (figure, "ball", figure == "presence")
    found = attribute.measure(*pictures)
    torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64), equal_nan=True, atol=1e-6, rtol=0)


def test_every_figure_is_tested():
    (mark,) = [mark for mark in test_a_figure_of_the_ball.pytestmark if mark.name == "parametrize"]
    assert {case[0] for case in mark.args[1]} == set(FIGURES)


def test_hue_of_primary_colours():
    labels = torch.ones(4, 2, 2, dtype=torch.uint8)
    colors = torch.tensor([[1.0, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, 1]])  # red, yellow, green, blue
    found = class_attribute("hue(ball)", NAMES).measure(colors.view(4, 3, 1, 1).expand(4, 3, 2, 2), labels)
    torch.testing.assert_close(found, torch.tensor([0, 1 / 6, 1 / 3, -1 / 3], dtype=torch.float64))


def test_a_class_of_few_pixels_counts_as_absent():
    """4 of 4,096 pixels are enough, 3 are not."""
    labels = torch.zeros(3, 64, 64, dtype=torch.uint8)
    labels[0, 3, 3:7] = labels[1, 3, 3:6] = 1
    images = torch.zeros(3, 3, 64, 64)
    found = [
        class_attribute(f"{kind}(ball)", NAMES).measure(images, labels) for kind in ("presence", "brightness", "x")
    ]
    assert found[0].tolist() == [1, 0, 0]
    for values in found[1:]:
        assert values.isfinite().tolist() == [True, False, False]


def test_colours_out_of_range_are_clamped(pictures):
    images, labels = pictures
    bright = class_attribute("brightness(ball)", NAMES).measure(images * 0 + 3, labels)
    torch.testing.assert_close(bright[:2], torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("area", "write it as in 'attribute=area\\(hair\\)'"),
        ("aera(ball)", "there is no 'aera'; did you mean 'area'"),
        ("area(bal)", "there is no class 'bal'; did you mean 'ball'"),
        ("area()", "write it as"),
    ],
)
def test_a_malformed_attribute_is_refused(text, reason):
    with pytest.raises(UserError, match=reason):
        class_attribute(text, NAMES)
