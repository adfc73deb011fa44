"""Kernel distance and inception score of features."""

import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from composegan.errors import UserError
from composegan.metrics import of_features
from composegan.metrics.of_features import inception_score, kernel_distance


def gaussian(count, size, seed=0, shift=0.0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed)) + shift


def test_kernel_distance_equals_its_definition():
    x, y = gaussian(5, 3).double(), gaussian(5, 3, seed=1, shift=0.5).double()
    kernel = [[(a @ b / 3 + 1) ** 3 for b in (*x, *y)] for a in (*x, *y)]
    pairs = [(i, j) for i in range(5) for j in range(5)]
    within = sum(kernel[i][j] + kernel[5 + i][5 + j] for i, j in pairs if i != j) / 20
    across = sum(kernel[i][5 + j] for i, j in pairs) / 25
    assert kernel_distance(x, y) == pytest.approx((within - 2 * across).item())


def test_kernel_distance_is_unbiased():
    """Over many small draws of one distribution its mean is 0, and about half of the values are negative."""
    values = [kernel_distance(gaussian(20, 4, 2 * i), gaussian(20, 4, 2 * i + 1)) for i in range(80)]
    values = torch.tensor(values)
    assert abs(values.mean()) < 3 * values.std() / 80**0.5
    assert 15 < (values < 0).sum() < 65
    assert kernel_distance(gaussian(20, 4), gaussian(20, 4, 1, shift=1.0)) > values.max()


def test_kernel_distance_of_large_sets_uses_subsets(monkeypatch):
    monkeypatch.setattr(of_features, "SUBSET", 30)
    x, y = gaussian(60, 4), gaussian(50, 4, seed=1, shift=0.5)
    whole = poly_mmd(x[:50].double(), y.double()).item()
    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert kernel_distance(x, y) == pytest.approx(whole, rel=0.3)
    assert kernel_distance(x, y) == kernel_distance(x, y)
    assert torch.equal(torch.get_rng_state(), before)


def test_inception_score_of_known_answers(monkeypatch):
    """C for confident and evenly spread predictions of C classes; 1 for constant or uniform predictions."""
    monkeypatch.setattr(of_features, "SPLITS", 1)
    sure = 50 * torch.eye(4).repeat(5, 1)
    assert inception_score(sure) == pytest.approx(4, rel=1e-4)
    assert inception_score(sure[:1].repeat(9, 1)) == pytest.approx(1)
    assert inception_score(torch.zeros(9, 4)) == pytest.approx(1)


@pytest.mark.parametrize("measure", [lambda x: kernel_distance(x, gaussian(9, 4)), inception_score])
def test_one_image_is_too_few(measure):
    with pytest.raises(UserError, match="^1 images are too few"):
        measure(gaussian(1, 4))
