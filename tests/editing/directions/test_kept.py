"""A measurement that is stopped and goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from composegan.editing.directions import kept
from composegan.editing.directions.attributes import class_attribute
from composegan.editing.directions.sampling import attribute_of, mixed_codes


@pytest.fixture
def stopped(squares, tmp_path, monkeypatch):
    """(codes, attribute) of a measurement of 10 in tmp_path that was interrupted at the seventh, by twos."""
    monkeypatch.setattr(kept, "EVERY", 0.0)
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


def test_it_goes_on_where_it_was_and_leaves_no_file(squares, stopped, tmp_path):
    codes, attribute = stopped
    calls = []
    values = attribute_of(squares, codes, counting(attribute, calls), 2, keep=tmp_path)
    assert calls == [2, 2] and torch.equal(values, attribute_of(squares, codes, attribute))
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_the_same_begins_anew(squares, stopped, tmp_path):
    codes, attribute = stopped
    other = class_attribute("x(ball)", squares.classes)
    weights = replace(attribute, weights="another network's")
    for measured, of in ((other, codes), (weights, codes), (attribute, mixed_codes(squares, 10, (3,), seed=1))):
        calls = []
        attribute_of(squares, of, counting(measured, calls), 2, keep=tmp_path)
        assert calls == [2] * 5


def test_a_damaged_file_begins_anew(squares, stopped, tmp_path):
    codes, attribute = stopped
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"nothing of the kind")
    calls = []
    attribute_of(squares, codes, counting(attribute, calls), 2, keep=tmp_path)
    assert calls == [2] * 5
