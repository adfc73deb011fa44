"""Drawn backgrounds and patterns."""

import numpy as np
import pytest

from composegan.draw.backgrounds import PATTERNS, draw_background


def draw(seed, height=32, width=48):
    return draw_background(height, width, np.random.default_rng(seed))


def test_background_depends_on_the_random_state_only():
    picture = draw(3)
    assert picture.shape == (32, 48, 3) and picture.dtype == np.uint8
    assert (draw(3) == picture).all() and (draw(4) != picture).any()


def test_backgrounds_vary_within_and_between_pictures():
    pictures = np.stack([draw(seed) for seed in range(200)]).astype(float)
    assert pictures.std(axis=(1, 2)).mean(axis=1).min() > 1  # within each
    assert pictures.mean(axis=(1, 2)).std(axis=0).min() > 20  # between them
    assert 100 < pictures.mean() < 220


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.__name__)
def test_pattern_is_a_float32_weight(pattern):
    y, x = np.meshgrid(np.linspace(-0.5, 0.5, 64, dtype=np.float32), np.linspace(-0.5, 0.5, 64, dtype=np.float32))
    for seed in range(20):
        weight = pattern(x, y, 1 / 64, np.random.default_rng(seed))
        assert weight.dtype == np.float32 and weight.shape == (64, 64)
        assert 0 <= weight.min() <= weight.max() <= 1
    spread = [np.ptp(pattern(x, y, 1 / 64, np.random.default_rng(seed))) for seed in range(20)]
    assert np.mean(spread) > 0.5


@pytest.mark.parametrize("seed", range(12))
def test_background_looks_the_same_at_any_size(seed):
    small, large = draw(seed, 32, 32).astype(float), draw(seed, 128, 128).astype(float)
    shrunk = large.reshape(32, 4, 32, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - shrunk).mean() < 4
