"""Which classes are in which images: small examples, and random ones against counting."""

import math

import pytest
import torch

from composegan.metrics.layout import class_proportions
from composegan.metrics.presence import (
    class_recall,
    presence_accuracy,
    presence_agreement,
    presence_rates,
    present,
    rare_classes,
    rare_recall,
)

REAL = torch.tensor([[0.5, 0.375, 0.125, 0], [1, 0, 0, 0]])


def sets_of(*rates: float, pictures: int = 100) -> torch.Tensor:
    """Proportions in which class k is present in `rates[k]` of the pictures."""
    return torch.stack([(torch.arange(pictures) < round(rate * pictures)) * 0.25 for rate in rates], dim=1)


def test_present_ignores_stray_pixels():
    labels = torch.zeros(2, 64, 64, dtype=torch.uint8)
    labels[0, 0, :3], labels[1, 0, :4] = 1, 1
    proportions = class_proportions(labels, 2)
    assert present(proportions).tolist() == [[True, False], [True, True]]
    assert presence_rates(proportions).tolist() == [1, 0.5]


def test_presence_agreement():
    fake = torch.tensor([[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0]])
    assert presence_rates(REAL).tolist() == [1, 0.5, 0.5, 0]
    assert presence_agreement(REAL, fake) == pytest.approx(1 - (0 + 0.5 + 0.5 + 0) / 4)
    assert presence_agreement(REAL, REAL) == 1


def test_presence_accuracy_of_a_small_example():
    wanted = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 0, 1]], dtype=torch.bool)
    seen = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 0, 1], [1, 1, 1, 0]], dtype=torch.bool)
    found = presence_accuracy(wanted, seen)
    assert found.shown[[0, 1, 3]].tolist() == pytest.approx([1, 2 / 3, 0]) and found.shown[2].isnan()
    assert found.kept_away[1:].tolist() == pytest.approx([0, 3 / 4, 1 / 2]) and found.kept_away[0].isnan()
    assert found.by_class.tolist() == pytest.approx([1, 1 / 3, 3 / 4, 1 / 4])
    assert found.mean == pytest.approx((1 + 1 / 3 + 3 / 4 + 1 / 4) / 4)


@pytest.mark.parametrize("seed", range(5))
def test_presence_accuracy_equals_counting(seed):
    draws = torch.Generator().manual_seed(seed)
    n, k = (int(torch.randint(2, 30, (), generator=draws)) for _ in range(2))
    wanted, seen = (torch.rand(n, k, generator=draws) < 0.5 for _ in range(2))
    found = presence_accuracy(wanted, seen)
    for index in range(k):
        for answer, asked in ((found.shown, True), (found.kept_away, False)):
            rows = [bool(seen[i, index]) == asked for i in range(n) if bool(wanted[i, index]) == asked]
            plain = sum(rows) / len(rows) if rows else math.nan
            assert answer[index].item() == pytest.approx(plain, nan_ok=True)


def test_presence_accuracy_of_followed_inverted_and_constant_sets():
    wanted = torch.rand(50, 6, generator=torch.Generator().manual_seed(0)) < 0.4
    assert presence_accuracy(wanted, wanted).mean == 1 and presence_accuracy(wanted, ~wanted).mean == 0
    always = torch.ones(50, 6, dtype=torch.bool)  # always showing everything is chance level
    assert presence_accuracy(wanted, always).mean == 0.5
    assert math.isnan(presence_accuracy(wanted[:0], wanted[:0]).mean)
    with pytest.raises(ValueError, match="both must be"):
        presence_accuracy(wanted, wanted[:, :3])


def test_class_recall_and_rare_recall():
    real, fake = sets_of(1, 0.2, 0.1, 0.04, 0), sets_of(0.5, 0.1, 0.05, 0.3, 0.9)
    assert rare_classes(real).tolist() == [False, False, True, True, False]
    assert class_recall(real, fake)[:4].tolist() == pytest.approx([0.5, 0.5, 0.5, 1])
    assert class_recall(real, fake)[4].isnan()
    assert rare_recall(real, fake) == pytest.approx(0.75)
    assert rare_recall(real, real) == 1 and rare_recall(real, sets_of(1, 1, 0, 0, 0)) == 0


def test_rare_recall_without_rare_classes_is_nan():
    assert math.isnan(rare_recall(sets_of(1, 0.5), sets_of(1, 0.5)))


def test_rare_recall_of_sets_of_different_size():
    real, fake = sets_of(1, 0.1), sets_of(1, 0.05, pictures=40)
    assert rare_recall(real, fake) == pytest.approx(0.5)
