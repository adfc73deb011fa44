"""Directions towards an attribute or labels, with measurements that resume."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from composegan.editing.directions import supervised
from composegan.editing.directions.attributes import class_attribute
from composegan.editing.directions.supervised import (
    attribute_direction,
    attribute_of,
    labelled_direction,
    mixed_codes,
    read_labels,
)
from composegan.editing.target import Target
from composegan.errors import UserError

UNIT = torch.eye(8, dtype=torch.float64)  # the covariance of w = z


def test_mixed_codes_draw_chosen_slots_independently(squares):
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


def test_a_binary_attribute_weighs_both_sides_equally(squares):
    """The ball is missing in about a tenth of the pictures."""
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


def test_too_few_pictures_on_a_side_raises(squares):
    attribute = class_attribute("presence(ball)", squares.classes)
    with pytest.raises(UserError, match=r"boundary: \d+ of 60 pictures have presence\(ball\), \d+ do not; at least"):
        attribute_direction(squares, Target(("ball",)), attribute, UNIT, n=60)
    with pytest.raises(UserError, match=r"area\(ball\) splits 30 pictures \(30 have it at all\) into \d+ and \d+; at "):
        attribute_direction(squares, Target(("ball",)), class_attribute("area(ball)", squares.classes), UNIT, n=30)


def test_labels_in_a_csv_give_a_direction(squares, tmp_path):
    codes = squares.codes(300, seed=4, truncation=1.0)
    sides = codes["ball"].shape @ squares.generator.reach > 0
    lines = [f"{number:05d}.png,{int(side)}" for number, side in enumerate(sides)]
    path = tmp_path / "wide, or so.csv"
    path.write_text("\n".join(["picture,wide", *lines]))
    direction = labelled_direction(squares, Target(("ball",), "shape"), path, codes, UNIT, seed=0)
    assert direction.name == "ball.shape.wide-or-so" and direction.vectors[0] @ squares.generator.reach > 0.95
    assert direction.facts["pictures"] == 300
    path.write_text("\n".join(lines[:25]))
    with pytest.raises(UserError, match=r"labels=.*: \d+ pictures are labelled 1 and \d+ are labelled 0; label at"):
        labelled_direction(squares, Target(("ball",), "shape"), path, codes, UNIT, seed=0)


@pytest.fixture
def stopped(squares, tmp_path, monkeypatch):
    """(codes, attribute) of a measurement of 10 pictures in tmp_path, by twos, interrupted at the seventh."""
    monkeypatch.setattr(supervised, "EVERY", 0.0)
    attribute = class_attribute("area(ball)", squares.classes)
    calls = []

    def measure(images, labels):
        calls.append(len(images))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return attribute.measure(images, labels)

    codes = mixed_codes(squares, 10, (3,))
    with pytest.raises(KeyboardInterrupt):
        attribute_of(squares, codes, replace(attribute, measure=measure), 2, keep=tmp_path)
    return codes, attribute


def counting(attribute, calls):
    return replace(
        attribute, measure=lambda images, labels: calls.append(len(images)) or attribute.measure(images, labels)
    )


def test_an_interrupted_measurement_resumes_and_leaves_no_file(squares, stopped, tmp_path):
    codes, attribute = stopped
    calls = []
    values = attribute_of(squares, codes, counting(attribute, calls), 2, keep=tmp_path)
    assert calls == [2, 2] and torch.equal(values, attribute_of(squares, codes, attribute))
    assert list(tmp_path.iterdir()) == []


def test_another_measurement_starts_from_the_beginning(squares, stopped, tmp_path):
    codes, attribute = stopped
    other = class_attribute("x(ball)", squares.classes)
    weights = replace(attribute, weights="another network's")
    for measured, of in ((other, codes), (weights, codes), (attribute, mixed_codes(squares, 10, (3,), seed=1))):
        calls = []
        attribute_of(squares, of, counting(measured, calls), 2, keep=tmp_path)
        assert calls == [2] * 5
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"damaged")
    calls = []
    attribute_of(squares, codes, counting(attribute, calls), 2, keep=tmp_path)
    assert calls == [2] * 5


def test_labels_are_read_with_and_without_a_heading(tmp_path):
    path = tmp_path / "labels.csv"
    for text in ("picture,smile\n00003.png,1\nimages/00000.png, 0\n2,1\n", "3,1\n\n0,0\r\n2,1\n2,1"):
        path.write_text(text)
        numbers, sides = read_labels(path, 4)
        assert numbers.tolist() == [3, 0, 2] and sides.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0,1\n1,yes\n", "line 2: a picture and 0 or 1 are needed"),
        ("0,1\n1\n", "line 2: a picture and 0 or 1"),
        ("0,1\nhair.png,1\n", "line 2: 'hair.png' is not a picture's number"),
        ("0,1\n4,1\n", "line 2: picture 4, but the codes have only 0 to 3"),
        ("0,1\n00000.png,0\n", "line 2: picture 0 has another label above"),
        ("picture,smile\n", "has no labels"),
        ("", "has no labels"),
    ],
)
def test_a_wrong_line_of_labels_is_named(tmp_path, text, reason):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=f"labels=.*labels.csv: {reason}"):
        read_labels(path, 4)


def test_a_missing_or_binary_file_of_labels_is_refused(tmp_path):
    with pytest.raises(UserError, match="labels=.*none.csv: does not exist"):
        read_labels(tmp_path / "none.csv", 4)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="labels=.*bytes.csv: cannot be read \\(it is not UTF-8"):
        read_labels(tmp_path / "bytes.csv", 4)
