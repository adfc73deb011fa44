"""Perceptual path length."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

import composegan
from composegan.evaluation import path_length
from composegan.evaluation.path_length import path_lengths


def test_path_length_on_a_circle_is_its_squared_speed():
    """Pictures (cos a, sin a) with a = speed * w move by speed * |end - start| on the unit circle."""

    def draw(w):
        angle = w[:, :1].double()
        return torch.cat((angle.cos(), angle.sin()), dim=1)[:, :, None, None]

    def distance(a, b):
        return (a - b).square().sum(dim=(1, 2, 3))

    start, end = torch.zeros(3, 2).double(), torch.tensor([[1.0, 9], [2.0, 9], [-0.5, 9]]).double()
    lengths = path_lengths(draw, distance, start, end, torch.tensor([0.1, 0.5, 0.9]).double())
    assert lengths.tolist() == pytest.approx([1, 4, 0.25], rel=1e-4)


@pytest.mark.parametrize(("pairs", "batch"), [(5, 2), (4, 2), (3, 8)])
def test_progress_bar_ends_at_its_total(whole_run, monkeypatch, pairs, batch):
    shown = []

    @contextmanager
    def progress_bar(title, total):
        shown.append(total)
        yield shown.append

    monkeypatch.setattr(path_length, "progress_bar", progress_bar)
    given = SimpleNamespace(
        model=composegan.load(whole_run), seed=0, batch=batch, w=torch.zeros(pairs, 1), truncation=1.0
    )
    path_length.metric.measure(given)
    assert shown[0] == sum(shown[1:]) == pairs
