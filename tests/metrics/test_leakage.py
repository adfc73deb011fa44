"""The change outside the edited classes, in its several forms, on edits whose figures are known."""

import math

import pytest
import torch

from composegan.metrics.leakage import (
    MOST_PSNR,
    EditChange,
    leakage,
    margin_of,
    region_of,
    share_outside,
    weight_in,
    weighted_mean,
)


def test_leakage_is_the_share_of_change_outside():
    before = torch.zeros(3, 3, 4, 4)
    after = before.clone()
    after[0, :, 0, 0] = 0.3  # inside
    after[1, :, 3, 3] = 0.3  # outside
    after[2, :, 0, 0], after[2, 0, 3, 3] = 0.3, 0.3  # of one channel only outside
    region = torch.zeros(3, 4, 4, dtype=torch.bool)
    region[:, :2] = True
    assert leakage(before, after, region).tolist() == pytest.approx([0, 1, 0.25])
    assert leakage(before, before, region).tolist() == [0, 0, 0]
    assert share_outside(torch.zeros(1, 4, 4), region[:1]).isnan().all()


def test_region_of_joins_both_maps_and_grows():
    labels, others = torch.zeros(2, 1, 5, 5, dtype=torch.uint8).unbind()
    labels[0, 0, 0], others[0, 4, 4], others[0, 2, 2] = 1, 1, 2
    assert region_of(labels, others, [1]).nonzero().tolist() == [[0, 0, 0], [0, 4, 4]]
    assert region_of(labels, others, [1, 2]).sum() == 3
    assert region_of(labels, others, [1], margin=1).sum() == 8


def test_margin_is_a_pixel_at_64_and_grows_with_the_shorter_side():
    assert [margin_of(*size) for size in ((16, 16), (64, 64), (64, 128), (128, 192), (256, 256))] == [1, 1, 1, 2, 4]


def test_edit_change_of_known_edit():
    """8 x 8 pixels: the left half changes by 20 levels, the next column by 10, the last by 4."""
    before, region = torch.zeros(1, 3, 8, 8), torch.zeros(1, 8, 8, dtype=torch.bool)
    region[..., :4] = True
    levels = torch.tensor([20, 20, 20, 20, 10, 0, 0, 4.0])
    found = EditChange.of(before, before + levels / 127.5, region, margin=1)
    expected = {
        "change": 94 / 8, "inside": 20, "outside": 14 / 4, "visible": 1 / 4, "leakage": 14 / 94,
        "leakage_margin": 4 / 94, "squared": 116 / 1716, "mse": 116 / 4 / 127.5**2,
        "psnr": -10 * math.log10(116 / 8 / 255**2),
    }  # fmt: skip
    assert {name: getattr(found, name).item() for name in expected} == pytest.approx(expected, rel=1e-5)


def test_edit_change_without_change_or_without_outside():
    images, everywhere = torch.zeros(1, 3, 4, 4), torch.ones(1, 4, 4, dtype=torch.bool)
    still = EditChange.of(images, images, ~everywhere, 1)
    assert still.leakage.isnan() and still.squared.isnan() and still.inside.isnan()
    assert (still.change.item(), still.outside.item(), still.psnr.item()) == (0, 0, MOST_PSNR)
    whole = EditChange.of(images, images + 1, everywhere, 1)
    assert whole.leakage.item() == 0 and whole.outside.isnan() and whole.mse.isnan()


def test_weighted_mean_ignores_unknown_values():
    values = torch.tensor([0.1, torch.nan, 0.4])
    assert weighted_mean(values, torch.tensor([30.0, 5, 10])) == pytest.approx(7 / 40)
    assert math.isnan(weighted_mean(values, torch.zeros(3)))


def test_ownership_is_the_mean_weight_in_the_own_pixels():
    """Cells of 2 x 2 pixels: 4 pixels of weight 1, 1 of weight 0.5, none in the others."""
    weights = torch.tensor([[[1.0, 0.5], [0.9, 0.8]]])
    own = torch.zeros(1, 4, 4, dtype=torch.bool)
    own[:, :2, :2] = own[:, 0, 2] = True
    weight, pixels = weight_in(weights, own)
    assert (weight.item(), pixels.item()) == pytest.approx((4.5, 5))
    full = torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(0))
    enlarged = full.repeat_interleave(2, 1).repeat_interleave(2, 2)
    mask = torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(1)) < 0.4
    torch.testing.assert_close(weight_in(full, mask)[0], (enlarged * mask).sum((1, 2)).double())
