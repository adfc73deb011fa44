"""Sliced Wasserstein distance of patches."""

from types import SimpleNamespace

import pytest
import torch

from composegan.metrics.figure import Sets
from composegan.metrics.sliced_wasserstein import LEVELS, PATCHES, metric, patch_levels, sliced_wasserstein


def pictures(count=12, size=32, seed=0):
    """Smooth pictures in -1..1, each of its own colour."""
    draws = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=draws) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")


def distance(real, fake):
    return sliced_wasserstein(patch_levels(real), patch_levels(fake))


def test_distance_of_equal_sets_is_zero():
    assert distance(pictures(), pictures()) == 0


def test_distance_does_not_depend_on_order():
    """A small set uses all of its patches."""
    images = pictures(count=4)
    assert len(patch_levels(images)[0]) == min(4 * 6 * 6, PATCHES - 1)
    assert distance(images, images.flip(0)) == pytest.approx(0, abs=1e-6)


def test_distance_grows_with_the_difference():
    images = pictures()
    shifts = [distance(images, images + shift) for shift in (0.01, 0.1, 0.3, 1.0)]
    assert shifts[0] > 0 and shifts == sorted(shifts)
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    noises = [distance(images, images + scale * noise) for scale in (0.05, 0.2, 0.8)]
    assert noises[0] > 0 and noises == sorted(noises)


def test_distance_of_a_shift_is_exact():
    """Shifting an image by d shifts its projection on a unit vector v by d sum(v)."""
    images, shift = pictures(), 0.25
    draws = torch.Generator().manual_seed(0)
    expected = []
    for level in patch_levels(images):
        directions = torch.randn(level.shape[1], 128, generator=draws)
        expected.append((directions.sum(0) / directions.norm(dim=0)).abs().mean())
    assert distance(images, images + shift) == pytest.approx(shift * torch.stack(expected).mean().item(), rel=1e-4)


def test_distance_within_a_distribution_is_small():
    same = distance(pictures(40), pictures(40, seed=1))
    assert 3 * same < distance(pictures(40), pictures(40, seed=1) * 0.3)
    assert 3 * same < distance(pictures(40), pictures(40, seed=1).roll(1, dims=1) + 0.5)


def test_distance_sees_structure_beyond_colours():
    images = pictures(40)
    shuffled = images.flatten(2)[:, :, torch.randperm(32 * 32, generator=torch.Generator().manual_seed(0))]
    assert distance(images, shuffled.view_as(images)) > 2 * distance(images, pictures(40, seed=1))


def test_distance_is_symmetric_and_deterministic():
    one, two = pictures(), pictures(seed=1)
    torch.manual_seed(5)
    assert distance(one, two) == distance(one, two)
    assert distance(one, two) == pytest.approx(distance(two, one), rel=1e-6)


def test_patch_levels_are_seeded_and_limited():
    images = pictures(count=300)
    levels = patch_levels(images)
    assert [level.shape for level in levels] == [(PATCHES, 147), (300 * 4, 147), (300, 147)]
    assert all(torch.equal(a, b) for a, b in zip(levels, patch_levels(images), strict=True))


@pytest.mark.parametrize(("size", "levels"), [(4, 1), (8, 1), (16, 2), (32, 3), (64, LEVELS)])
def test_patch_levels_of_small_images(size, levels):
    found = patch_levels(pictures(size=size))
    assert len(found) == levels
    assert distance(pictures(size=size), pictures(size=size, seed=1)) > 0


def test_patch_levels_of_rectangles():
    images = torch.rand(3, 3, 16, 48, generator=torch.Generator().manual_seed(0))
    assert [len(level) for level in patch_levels(images)] == [3 * 2 * 9, 3 * 1 * 4]


def test_patch_levels_convert_8_bit_images():
    images = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    converted = patch_levels(images.float() / 127.5 - 1)
    assert all(torch.equal(a, b) for a, b in zip(patch_levels(images), converted, strict=True))


@pytest.mark.parametrize(("real", "said"), [(30, True), (511, True), (512, False)])
def test_note_says_how_many_real_images_halves_need(real, said):
    sets = Sets.of(torch.zeros(real, 3, 8, 8), torch.zeros(20, 3, 8, 8), limit=256)
    (figure,) = metric.measure(SimpleNamespace(sets=lambda rows: sets))
    assert ("real halves need 512 real images" in figure.note) == said == (figure.halves is None)
