"""The render net equals the plain one, on squares and on rectangles."""

import pytest
import torch

from composegan.networks.renderer import Renderer, channels_at

from . import plain
from .small import stirred


def small_renderer(height, width, **changes):
    settings = {
        "classes": 4, "coarse_size": 16, "min_feat_size": 8, "feature_channels": 6, "channel_multiplier": 0.02,
        "max_channels": 16, "residual_refine": True, "mask_rank": 0, "noise": True, **changes,
    }  # fmt: skip
    return stirred(Renderer(height=height, width=width, **settings)).double()


@pytest.mark.parametrize("refine", [True, False])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 128), (96, 32)])
def test_renderer_matches_plain_implementation(height, width, refine):
    short = min(height, width)
    renderer = small_renderer(height, width, residual_refine=refine)
    features = torch.randn(2, 6, 16 * height // short, 16 * width // short, dtype=torch.float64)
    coarse = torch.rand(2, 4, *features.shape[2:], dtype=torch.float64) * 2 - 1
    image, mask = renderer(features, coarse, fresh_noise=False)
    assert image.shape == (2, 3, height, width)
    expected = plain.render(renderer, features, coarse, (8 * height // short, 8 * width // short))
    torch.testing.assert_close((image, mask.logits()), expected)


def test_renderer_starting_at_coarse_size():
    """The features come in twice at once, as what is rendered from and as what is joined."""
    renderer = small_renderer(32, 32, min_feat_size=16)
    features, coarse = torch.randn(1, 6, 16, 16, dtype=torch.float64), torch.zeros(1, 4, 16, 16, dtype=torch.float64)
    image, mask = renderer(features, coarse, fresh_noise=False)
    torch.testing.assert_close((image, mask.logits()), plain.render(renderer, features, coarse, (16, 16)))


def test_renderer_without_noise():
    """No strengths, no stored maps, and the picture of strength 0."""
    quiet, noisy = small_renderer(64, 64, noise=False), small_renderer(64, 64)
    assert not any("noise" in name for name in quiet.state_dict())
    noisy.load_state_dict(quiet.state_dict(), strict=False)
    for conv in noisy.convs:
        torch.nn.init.zeros_(conv.noise_strength)
    features, coarse = torch.randn(2, 6, 16, 16, dtype=torch.float64), torch.zeros(2, 4, 16, 16, dtype=torch.float64)
    image, _ = quiet(features, coarse, fresh_noise=True)
    torch.testing.assert_close(image, noisy(features, coarse, fresh_noise=False)[0])


def test_renderer_paper_widths():
    widths = {size: channels_at(size, 2.0, 512) for size in (4, 8, 16, 32, 64, 128, 256, 512, 1024)}
    assert widths == {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}
