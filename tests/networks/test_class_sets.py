"""Class sets are drawn as often as they occur, and what is no set is refused."""

import pytest
import torch

from composegan.networks.class_sets import ClassSets

THREE = ClassSets(torch.tensor([[1, 1, 0], [1, 0, 1], [0, 1, 1]]), torch.tensor([5, 3, 2]))


def test_class_sets_draw_by_frequency():
    drawn = THREE.draw(20_000, torch.Generator().manual_seed(0))
    assert drawn.shape == (20_000, 3) and drawn.dtype == torch.bool
    for row, share in zip(THREE.sets, (0.5, 0.3, 0.2), strict=True):
        assert abs((drawn == row).all(dim=1).double().mean().item() - share) < 0.01


def test_class_sets_at_quantiles():
    found = THREE.at(torch.tensor([0.0, 0.499, 0.5, 0.79, 0.81, 1.0]))
    assert torch.equal(found, THREE.sets[[0, 0, 1, 1, 2, 2]])


def test_class_sets_mirrored():
    both = THREE.mirrored((0, 2, 1))
    assert torch.equal(both.sets[3:], torch.tensor([[1, 0, 1], [1, 1, 0], [0, 1, 1]]).bool())
    assert both.counts.tolist() == [5, 3, 2, 5, 3, 2]


@pytest.mark.parametrize(
    ("sets", "counts", "words"),
    [
        ([[1, 0], [0, 0]], [1, 1], "empty"), ([[1, 0]], [0], "above 0"), ([[1, 0]], [float("nan")], "above 0"),
        ([[1, 0]], [1, 2], "shape"), (torch.zeros(0, 2), torch.zeros(0), "shape"),
    ],
)  # fmt: skip
def test_class_sets_reject_invalid_input(sets, counts, words):
    with pytest.raises(ValueError, match=words):
        ClassSets(torch.as_tensor(sets), torch.as_tensor(counts))


def test_class_sets_validate_areas():
    sets = ClassSets(torch.tensor([[1, 1, 0]]), torch.tensor([5]), torch.tensor([0.5, 0.2, 0.0]))
    assert sets.mirrored((1, 0, 2)).areas.tolist() == pytest.approx([0.35, 0.35, 0])
    assert ClassSets(**sets.to_tensors()).areas.tolist() == pytest.approx([0.5, 0.2, 0])
    assert not THREE.areas.any()
    for wrong in ([0.5, 0.2], [0.5, 0.2, 1.5], [0.5, 0.2, -1.0]):
        with pytest.raises(ValueError, match="areas"):
            ClassSets(torch.tensor([[1, 1, 0]]), torch.tensor([5]), torch.tensor(wrong))
