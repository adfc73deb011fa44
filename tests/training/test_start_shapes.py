"""The typical shapes that a modern model begins with."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from composegan.config.schema import Config, DataConfig
from composegan.data.shapes import PLACES
from composegan.networks.shapes import SHAPES, TypicalShapes
from composegan.training.start_shapes import back_to_front, class_shapes, least_of, likeness

BACKGROUND, HEAD, HAIR = range(3)


def view(head, hair):
    """Label maps as shares (K, 32, 32): a head in these rows, and hair above it."""
    labels = np.zeros((PLACES, PLACES), int)
    labels[head, 8:24], labels[hair, 8:24] = HEAD, HAIR
    return np.stack([labels == index for index in range(3)]).astype(np.float32)


SHORT, LONG, LOW = (
    view(slice(12, 24), slice(8, 12)),
    view(slice(12, 24), slice(2, 14)),
    view(slice(24, 32), slice(20, 24)),
)


def statistics(*views, having=None):
    """Of 20 pictures of each view; having: how many have hair."""
    shapes, counts = np.zeros((3, SHAPES, PLACES, PLACES), np.float32), np.zeros((SHAPES, 3), np.int64)
    for place, given in enumerate(views):
        shapes[:, place], counts[place] = given, 20
        counts[place, HAIR] = 20 if having is None else having[place]
    return SimpleNamespace(shapes=shapes, shape_counts=counts, view_counts=counts[:, 0])


def start(*views, having=None, flip=False, count=None):
    config, spec = replace(Config(), data=DataConfig(flip=flip)), SimpleNamespace(mirrored=(0, 1, 2))
    return class_shapes(config, spec, statistics(*views, having=having), len(views) if count is None else count)


def labels_of(odds, order, chosen):
    """The label map of a model that has just begun; chosen: the shape of each class."""
    made = TypicalShapes(3, odds.shape[1], PLACES, PLACES, 4)
    made.set(odds, torch.full((odds.shape[1], 3, odds.shape[1]), 0.1), order, torch.randn(9, 4))
    shares = torch.nn.functional.one_hot(torch.tensor(chosen), odds.shape[1]).float()[:, None]  # (K, 1, J)
    return made.depth(shares).view(3, PLACES, PLACES).argmax(dim=0).numpy()


def test_a_view_begins_as_it_is_in_the_data():
    odds, _, order = start(SHORT, LONG, LOW)
    for place, given in enumerate((SHORT, LONG, LOW)):
        np.testing.assert_array_equal(labels_of(odds, order, [place] * 3), given.argmax(axis=0))


def test_other_hair_on_a_head_leaves_no_hole():
    """Behind long hair are the head and the background of the view with short hair."""
    odds, _, order = start(SHORT, LONG)
    assert order.tolist()[0] == BACKGROUND
    np.testing.assert_array_equal(labels_of(odds, order, [1, 1, 0]) == HAIR, SHORT[HAIR] > 0)
    np.testing.assert_array_equal(labels_of(odds, order, [0, 0, 1]) == HAIR, LONG[HAIR] > 0)
    begun = labels_of(odds, order, [1, 1, 0])
    assert (begun[2:6] == BACKGROUND).all() and (begun[14:24, 8:24] == HEAD).all()


def test_class_has_shapes_of_views_that_are_alike_around_it():
    _, likely, _ = start(SHORT, LONG, LOW)
    hair = likely[:, HAIR] / likely[:, HAIR].sum(dim=1, keepdim=True)  # (V, J)
    assert hair[0, 1] > 0.2 and hair[1, 0] > 0.2
    assert hair[0, 2] < 0.01 and hair[1, 2] < 0.01 and hair[2, 2] > 0.95


def test_likeness_ignores_the_class_itself():
    shapes = torch.from_numpy(np.stack((SHORT, LONG, LOW), axis=1))
    alike = likeness(shapes, shapes)
    assert alike.min() >= 0 and alike.max() <= 1
    torch.testing.assert_close(alike.diagonal(dim1=1, dim2=2), torch.ones(3, 3))
    assert alike[HAIR, 0, 1] > 0.99 and alike[HAIR, 0, 2] < 0.9


def test_view_without_a_class_takes_the_shapes_of_all_others():
    _, likely, _ = start(SHORT, LONG, having=[20, 0])
    rate = likely.sum(dim=2)  # (V, K)
    assert rate[0, HAIR] > 0.9 and rate[1, HAIR] < 0.1
    assert likely[1, HAIR, 0] > 100 * likely[1, HAIR, 1]


@pytest.mark.parametrize("count", [1, 2, 5, SHAPES])
@pytest.mark.parametrize("flip", [False, True])
def test_any_number_of_views_can_be_kept_half_of_them_mirrored(count, flip):
    left = np.roll(SHORT, -6, axis=2)
    odds, likely, order = start(left, LONG, flip=flip, count=count)
    assert odds.shape == (3, count, PLACES, PLACES) and likely.shape == (count, 3, count)
    assert odds.isfinite().all() and sorted(order.tolist()) == [0, 1, 2]
    assert (likely > 0).all() and (likely.sum(dim=2) < 1).all()
    if flip and count > 1:
        torch.testing.assert_close(odds[:, -(-count // 2)], odds[:, 0].flip(2), atol=1e-4, rtol=1e-4)


def test_large_classes_are_behind_small_ones_and_the_background_behind_all():
    shapes = torch.zeros(4, 2, 4, 4)
    shapes[1], shapes[2, :, 0], shapes[3, 0] = 0.9, 0.5, 0.8
    having = torch.tensor([[5.0, 5, 5, 5], [5, 5, 5, 0]])
    assert back_to_front(shapes, having).tolist() == [0, 1, 3, 2]


def test_rare_class_begins_where_it_is_most_often():
    """A class that covers four cells, among eight that are as likely but for two."""
    shares = torch.zeros(1, 1, 4, 8)
    shares[0, 0, 0], shares[0, 0, 0, :2] = 0.5, 0.6
    torch.testing.assert_close(least_of(shares + 7, shares), torch.tensor([[7.5]]))
