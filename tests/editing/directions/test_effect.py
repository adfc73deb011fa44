"""Effect and leakage, on a model where both can be computed by hand."""

from __future__ import annotations

import pytest
import torch

from composegan.editing.directions.attributes import class_attribute
from composegan.editing.directions.direction import Direction
from composegan.editing.directions.effect import measured, report
from composegan.editing.target import Target

UNIT = torch.eye(8, dtype=torch.float64)


def towards(model, target, vector):
    return Direction.uniform(model, "pca", 0, target, vector, UNIT)


def test_the_effect_within_the_class_is_that_of_the_code(squares):
    direction = towards(squares, Target(("ball",), "texture"), squares.generator.red)
    codes = squares.codes(40, truncation=0.3)
    attribute = class_attribute("red(ball)", squares.classes)
    effect = measured(squares, direction.with_facts(attribute=attribute.text), codes, 2.0, attribute, batch=7).facts[
        "effect"
    ]
    # Red moves by 0.2 * 2 of the range's 2 in one of three channels.
    assert effect["change"] == pytest.approx(0.2 / 3, rel=1e-4)
    assert effect["leakage"] == 0 == effect["leakage_beyond_margin"] and effect["margin"] == 1
    found = effect["attribute"]
    assert found["plus"] - found["before"] == pytest.approx(0.2, rel=1e-4)
    assert found["before"] - found["minus"] == pytest.approx(0.2, rel=1e-4)


def test_leakage_is_the_fraction_of_the_change_elsewhere(squares):
    squares.generator.leak = 0.5
    direction = towards(squares, Target(("ball",), "texture"), squares.generator.red)
    codes = squares.codes(1, truncation=0.0)  # the ball fills the left half
    effect = measured(squares, direction, codes, 1.0).facts["effect"]
    assert effect["leakage"] == pytest.approx(1 / 3, rel=1e-4)  # 8 columns in full, 8 by half
    assert effect["leakage_beyond_margin"] == pytest.approx(7 * 0.5 / 12, rel=1e-4)
    assert "attribute" not in effect


def test_base_codes_have_no_leakage(squares):
    direction = towards(squares, Target(("ball",), "texture", base=True), squares.generator.red)
    result = measured(squares, direction, squares.codes(3), 1.0)
    assert result.facts["effect"]["leakage"] is None and "leakage" not in report(result)


def test_an_absent_class_has_no_attribute_and_no_change(squares):
    direction = towards(squares, Target(("ball",), "texture"), squares.generator.red).with_facts(attribute="red(ball)")
    codes = squares.codes(2)
    codes["ball"].shape = -10 * squares.generator.reach
    result = measured(squares, direction, codes, 1.0, class_attribute("red(ball)", squares.classes))
    assert result.facts["effect"]["attribute"] == {"before": None, "plus": None, "minus": None}
    assert result.facts["effect"]["change"] == 0 and result.facts["effect"]["leakage"] is None
    assert report(result) == "ball.texture.pca0: has no effect at 1, nor at -1"
