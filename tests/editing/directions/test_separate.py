"""From attributes and labels to directions, on a model whose codes do what is known."""

from __future__ import annotations

import pytest
import torch

from composegan.editing.directions.attributes import class_attribute
from composegan.editing.directions.direction import Target
from composegan.editing.directions.sampling import attribute_of, mixed_codes
from composegan.editing.directions.separate import attribute_direction, labelled_direction
from composegan.errors import UserError

UNIT = torch.eye(8, dtype=torch.float64)  # the covariance of w = z


def test_chosen_codes_are_their_own_and_the_others_one(squares):
    codes = mixed_codes(squares, 5, (3, 4), seed=2)
    slots = codes.slots
    for other in (1, 2):
        assert torch.equal(slots[:, 0], slots[:, other])
    for chosen in (3, 4):
        assert not (slots[:, 0] == slots[:, chosen]).any()
    assert not (slots[:, 3] == slots[:, 4]).any()
    half = mixed_codes(squares, 5, (3, 4), seed=2, truncation=0.5)
    torch.testing.assert_close(half.slots, slots / 2)


def test_a_planted_attribute_is_found_in_the_codes_that_make_it(squares):
    attribute = class_attribute("area(ball)", squares.classes)
    direction = attribute_direction(squares, Target(("ball",)), attribute, UNIT, n=900, truncation=1.0)
    assert direction.name == "ball.area" and direction.slots == (3, 4)
    assert direction.vectors[0] @ squares.generator.reach > 0.97  # in the shape code
    assert direction.vectors[1].norm() < 0.2  # and next to nothing in the texture code
    assert abs(direction.sigma - 1) < 1e-5
    assert direction.facts["accuracy"] > 0.9 and direction.facts["attribute"] == "area(ball)"
    codes = squares.codes(50, truncation=0.1)
    areas = [attribute_of(squares, direction.apply(codes, step), attribute).mean() for step in (-1, 0, 1)]
    torch.testing.assert_close(areas[2] - areas[1], torch.tensor(3 / 16, dtype=torch.float64), rtol=0.1, atol=0)
    torch.testing.assert_close(areas[1] - areas[0], torch.tensor(3 / 16, dtype=torch.float64), rtol=0.1, atol=0)


def test_what_is_there_or_not(squares):
    """The ball is missing in about a tenth of the pictures: both sides count the same all the same."""
    attribute = class_attribute("presence(ball)", squares.classes)
    direction = attribute_direction(squares, Target(("ball",), "shape"), attribute, UNIT, n=600, truncation=2.0)
    assert direction.vectors[0] @ squares.generator.reach > 0.9 and direction.facts["accuracy"] > 0.9
    assert direction.facts["pictures"] == 600


def test_an_attribute_of_another_class_is_named_after_both(squares):
    attribute = class_attribute("green(ground)", squares.classes)
    with_it = attribute_direction(squares, Target(("ground",), "texture"), attribute, UNIT, n=400)
    assert with_it.name == "ground.texture.green" and with_it.vectors[0] @ squares.generator.green > 0.95
    other = attribute_direction(squares, Target(("ball",), "texture"), attribute, UNIT, n=400)
    assert other.name == "ball.texture.ground-green"
    assert other.facts["accuracy"] < 0.65  # the ball's codes say nothing about it


def test_too_few_pictures_on_a_side(squares):
    attribute = class_attribute("presence(ball)", squares.classes)
    with pytest.raises(UserError, match=r"method=boundary: \d+ of 60 pictures have presence\(ball\), \d+ do not; 20"):
        attribute_direction(squares, Target(("ball",)), attribute, UNIT, n=60)
    with pytest.raises(UserError, match=r"area\(ball\) splits 30 pictures \(30 have it at all\) into \d+ and \d+; 20 "):
        attribute_direction(squares, Target(("ball",)), class_attribute("area(ball)", squares.classes), UNIT, n=30)


def test_labels_of_a_file_of_codes(squares, tmp_path):
    codes = squares.codes(300, seed=4)
    sides = codes["ball"].shape @ squares.generator.reach > 0
    lines = [f"{number:05d}.png,{int(side)}" for number, side in enumerate(sides)]
    path = tmp_path / "wide, or so.csv"
    path.write_text("\n".join(["picture,wide", *lines]))
    direction = labelled_direction(squares, Target(("ball",), "shape"), path, codes, UNIT, seed=0)
    assert direction.name == "ball.shape.wide-or-so" and direction.vectors[0] @ squares.generator.reach > 0.95
    assert direction.facts["pictures"] == 300
    path.write_text("\n".join(lines[:25]))
    with pytest.raises(UserError, match=r"labels=.*: \d+ pictures are labelled 1 and \d+ are labelled 0; 20 of each"):
        labelled_direction(squares, Target(("ball",), "shape"), path, codes, UNIT, seed=0)
