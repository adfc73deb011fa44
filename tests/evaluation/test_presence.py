"""Figures of which classes are in the pictures, of sets whose answer is known."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from composegan.evaluation.figures import Sets
from composegan.evaluation.names import PRESENCE, WITH_SEGMENTER
from composegan.evaluation.presence import presence_figures
from composegan.metrics.thresholds import PRESENT

ALL = (*PRESENCE, *WITH_SEGMENTER)


def rows(ground: int, rare: int, pictures: int = 20) -> torch.Tensor:
    """Proportions of pictures: the first `ground` have class 0, and `rare`, spread over them, class 1."""
    proportions = torch.zeros(pictures, 2)
    proportions[:ground, 0] = 0.5
    proportions[:: pictures // rare if rare else pictures + 1, 1] = PRESENT
    return proportions if rare else proportions * torch.tensor([1, 0])


RARE = ("presence", "rare_class_recall", "rare_class_recall_segmenter")


def figures_of(layouts, pixels=None, wanted=RARE, asked=None, seen=None):
    skipped, segmenter = [], None
    if pixels is not None:
        segmenter = SimpleNamespace(held_out=5, learned_from=1234, held_out_pixels=torch.tensor([[90, 0], [2, 8]]))
    generated = SimpleNamespace(pixels=pixels, proportions=layouts.fake, present=asked, seen=seen)
    found = presence_figures(layouts, generated, segmenter, wanted, skipped)
    return {figure.name: figure for figure in found}, skipped


def test_rare_classes_with_and_without_a_segmenter():
    found, skipped = figures_of(Sets(rows(20, 2), rows(20, 1)), torch.tensor([[50, 10], [30, 10]]))
    assert set(found) == {"presence", "rare_class_recall", "rare_class_recall_segmenter"} and not skipped
    assert found["presence"].value == pytest.approx(1 - 0.05 / 2)
    figure = found["rare_class_recall"]
    assert (figure.value, figure.halves, figure.images, figure.real_images, figure.half_images) == (0.5, 1, 20, 20, 10)
    assert figure.note == "of the 1 classes in less than 20% of the real images"
    figure = found["rare_class_recall_segmenter"]
    assert (figure.value, figure.halves, figure.real_images) == (0.25, 0.8, 5)
    assert figure.note.startswith("of the 1 classes in less than 20% of the real images; segmenter of 1,234 real")
    assert set(figures_of(Sets(rows(20, 2), rows(20, 1)))[0]) == {"presence", "rare_class_recall"}
    assert set(figures_of(Sets(rows(20, 2), rows(20, 1)), None, ["rare_class_recall"])[0]) == {"rare_class_recall"}


def test_a_model_that_has_dropped_the_rare_class():
    found, skipped = figures_of(Sets(rows(20, 2), rows(20, 0)), torch.tensor([[100, 0], [0, 0]]))
    assert found["rare_class_recall"].value == 0 and "rare_class_recall_segmenter" not in found
    assert skipped == ["rare_class_recall_segmenter is left out: the model draws none of the rare classes"]


def test_data_without_rare_classes():
    found, skipped = figures_of(Sets(rows(20, 10), rows(20, 1)), torch.tensor([[50, 10], [30, 10]]))
    assert set(found) == {"presence"}
    assert skipped == [
        "rare_class_recall, rare_class_recall_segmenter are left out: no class is in less than 20% of the real images"
    ]
    assert figures_of(Sets(rows(20, 10), rows(20, 1)), wanted=["rare_class_recall"])[1] == [
        "rare_class_recall is left out: no class is in less than 20% of the real images"
    ]


def test_pictures_that_keep_to_their_class_sets_and_pictures_that_do_not():
    layouts, pixels = Sets(rows(20, 2), rows(20, 2)), torch.tensor([[50, 10], [30, 10]])
    asked = layouts.fake >= PRESENT
    found, skipped = figures_of(layouts, pixels, ALL, asked, seen=rows(20, 0))
    assert not skipped and found["presence_accuracy"].value == 1
    assert found["presence_accuracy"].note == "asked for and shown 1.000, kept away 1.000, by the masks"
    figure = found["presence_accuracy_segmenter"]  # class 0 always shown; class 1 never, so kept away only
    assert figure.value == pytest.approx((1 + 0.5) / 2) and figure.images == 20 and figure.halves is None
    assert figure.note.startswith("asked for and shown 0.500, kept away 1.000, by a segmenter of 1,234 real")


def test_a_model_without_class_sets():
    found, skipped = figures_of(Sets(rows(20, 2), rows(20, 2)), None, ["presence_accuracy"])
    assert not found and skipped == ["presence_accuracy is left out: the model has no class sets"]
