"""What a direction moves, and by how much."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from composegan.editing.directions.direction import Direction, with_sign
from composegan.editing.target import Target
from composegan.errors import UserError


def test_a_target_has_slots_and_a_name(model):
    known = model.classes
    assert Target(("ball",)).slots(model) == (3, 4) and Target(("ball",)).name(known) == "ball"
    assert Target(("ball",), "shape").slots(model) == (3,)
    assert Target(("ball", "glass"), "texture").slots(model) == (4, 6)
    assert Target(("ball", "glass"), "texture").name(known) == "ball+glass.texture"
    assert Target((), "shape", base=True).slots(model) == (0,) and Target((), "shape", True).name(known) == "base"
    assert Target(known, "both", True).slots(model) == tuple(range(7))
    assert Target(known, "both", True).name(known) == "all+base"
    assert Target.of(model, "glass,ball", "shape") == Target.of(model, ["glass", "ball"], "shape")
    assert Target.of(model, "all").classes == known
    for wrong, reason in (
        (("bal",), "classes=bal: there is no 'bal'; did you mean 'ball'"),
        (("ball", "shap"), "part=shap: did you mean 'shape'"),
        (("",), "classes: name at least one"),
    ):
        with pytest.raises(UserError, match=reason):
            Target.of(model, *wrong)


@pytest.fixture
def direction(model):
    """Along the first number of w, whose standard deviation is 3 here."""
    vector = torch.eye(16)[0]
    spread = 9 * torch.eye(16, dtype=torch.float64)
    return Direction.uniform(model, "pca", 2, Target(("ball", "glass"), "texture"), vector, spread)


def test_one_sigma_moves_chosen_slots_by_the_deviation_of_w(model, direction):
    assert direction.name == "ball+glass.texture.pca2"
    torch.testing.assert_close(direction.vectors.norm(), torch.tensor(1.0))
    codes = model.codes(3)
    before = codes.slots.clone()
    moved = direction.apply(codes, torch.tensor([0.0, 1.0, -2.0]))
    expected = before.clone()
    expected[1, [4, 6], 0] += 3
    expected[2, [4, 6], 0] -= 6
    torch.testing.assert_close(moved.slots, expected)
    assert torch.equal(codes.slots, before) and torch.equal(direction.apply(codes, 0).slots, before)


def test_codes_of_another_model_are_refused(model, direction):
    for other, reason in (({"space": "0" * 12}, "from another"), ({"classes": ("a", "b", "c")}, "for other classes")):
        with pytest.raises(UserError, match=f"pca2: {reason}"):
            direction.apply(replace(model.codes(1), **other), 1.0)


def test_the_sign_makes_the_largest_entry_positive():
    vectors = torch.tensor([[1.0, -3.0], [2.0, -1.0], [-1.0, 0.5]])
    assert with_sign(vectors).tolist() == [[-1, 3], [2, -1], [1, -0.5]]
