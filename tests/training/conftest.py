"""Comparing runs."""

from __future__ import annotations

import csv

import pytest
import torch


def difference(one, other, where=""):
    """Where two nested values first differ, tensors bit for bit; None if nowhere."""
    if isinstance(one, torch.Tensor):
        same = isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
        return None if same else where
    if isinstance(one, dict | list | tuple):
        if type(one) is not type(other) or len(one) != len(other):
            return where
        keys = list(one) if isinstance(one, dict) else range(len(one))
        if isinstance(one, dict) and keys != list(other):
            return where
        found = (difference(one[key], other[key], f"{where}/{key}") for key in keys)
        return next((place for place in found if place is not None), None)
    return None if one == other else where


@pytest.fixture(scope="session")
def state_of():
    """(run) -> everything in its last checkpoint that decides what comes next."""

    def state_of(run):
        state = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
        return {key: state[key] for key in ("images_seen", "networks", "optimizers")}

    return state_of


@pytest.fixture(scope="session")
def assert_same_run(state_of):
    """(run, other): the same weights, averages and moments, bit for bit, and the same figures on the way."""

    def assert_same_run(run, other):
        assert difference(state_of(run), state_of(other)) is None
        one, two = ({row["images_seen"]: row for row in figures(each)} for each in (run, other))
        for seen in one.keys() & two.keys():
            for name in one[seen].keys() & two[seen].keys() - {"images_per_second"}:
                if one[seen][name] and two[seen][name]:
                    assert one[seen][name] == two[seen][name], (seen, name)

    return assert_same_run


def figures(run):
    """The lines of a run's metrics.csv, of which none may be there twice or out of order."""
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    seen = [int(row["images_seen"]) for row in rows]
    assert seen == sorted(set(seen)) and seen
    return rows


@pytest.fixture(scope="session")
def figures_of():
    """(run) -> the lines of its metrics.csv; a line that is there twice fails."""
    return figures
