"""Frechet distance."""

import warnings

import pytest
import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from composegan.errors import UserError
from composegan.metrics.frechet import frechet_distance, moments


def gaussian(count, size, seed=0, scale=1.0, shift=0.0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed)) * scale + shift


def distance(a, b):
    return frechet_distance(moments(a), moments(b))


class AsGiven(torch.nn.Module):
    """Passes features through where torchmetrics expects a network."""

    num_features = 24

    def forward(self, features):
        return features


def test_frechet_distance_of_equal_sets_is_zero():
    features = gaussian(50, 8)
    assert distance(features, features) == pytest.approx(0, abs=1e-9)
    assert distance(features, features.flip(0)) == pytest.approx(0, abs=1e-9)
    few = gaussian(5, 40)  # a covariance of rank 4
    assert distance(few, few) == pytest.approx(0, abs=1e-5)


def test_frechet_distance_of_shift_and_scale():
    """|m1 - m2|^2 for a shift; for S2 = s^2 S1 besides (1 - s)^2 tr S1."""
    features = gaussian(400, 6)
    shift = torch.tensor([1.0, -2.0, 0, 0, 0.5, 0])
    assert distance(features, features + shift) == pytest.approx(5.25, rel=1e-5)
    mean, covariance = moments(features)
    expected = (mean.square().sum() + covariance.trace()).item() * 0.25
    assert distance(features, features * 1.5) == pytest.approx(expected, rel=1e-5)


def test_frechet_distance_of_diagonal_covariances():
    first, second = torch.tensor([1.0, 4.0, 9.0]).double(), torch.tensor([4.0, 1.0, 0.0]).double()
    mean = torch.zeros(3).double()
    expected = (first.sqrt() - second.sqrt()).square().sum().item()
    assert frechet_distance((mean, first.diag()), (mean, second.diag())) == pytest.approx(expected)


@pytest.mark.parametrize("count", [300, 15])  # more and fewer than there are features
def test_frechet_distance_equals_torchmetrics(count):
    real, fake = gaussian(count, 24), gaussian(count, 24, seed=1, scale=1.3, shift=0.2)
    real, fake = (x @ gaussian(24, 24, seed=2) for x in (real, fake))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        published = FrechetInceptionDistance(AsGiven(), input_img_size=(24,)).set_dtype(torch.float64)
    published.update(real.double(), real=True)
    published.update(fake.double(), real=False)
    assert distance(real, fake) == pytest.approx(published.compute().item(), rel=1e-4)


def test_frechet_distance_is_biased_for_few_images():
    many = [distance(gaussian(2000, 32), gaussian(2000, 32, seed=1)), distance(gaussian(40, 32), gaussian(40, 32, 1))]
    assert many[1] > 10 * many[0] > 0
    with pytest.raises(UserError, match="^1 images are too few"):
        moments(gaussian(1, 4))
