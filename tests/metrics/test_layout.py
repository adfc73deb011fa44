"""Class proportions, confusion, IoU and recall of label maps."""

import pytest
import torch

from composegan.metrics.layout import class_proportions, confusion, intersection_over_union, mean_known, recall

LABELS = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 2]], [[0, 0, 0, 0], [0, 0, 0, 0]]], dtype=torch.uint8)


def test_class_proportions():
    assert class_proportions(LABELS, 4).tolist() == [[0.5, 0.375, 0.125, 0], [1, 0, 0, 0]]


def test_confusion_iou_and_recall():
    seen = torch.tensor([[[0, 0, 0, 1], [0, 0, 1, 1]], [[0, 0, 0, 0], [0, 0, 0, 2]]], dtype=torch.uint8)
    pixels = confusion(LABELS, seen, 4)
    assert pixels.tolist() == [[11, 0, 1, 0], [1, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    iou = intersection_over_union(pixels)
    assert iou[:3].tolist() == pytest.approx([11 / 13, 2 / 4, 0]) and iou[3].isnan()
    assert mean_known(iou) == pytest.approx((11 / 13 + 0.5) / 3)
    assert recall(pixels)[:3].tolist() == pytest.approx([11 / 12, 2 / 3, 0]) and recall(pixels)[3].isnan()


def test_iou_of_equal_maps_is_one():
    iou = intersection_over_union(confusion(LABELS, LABELS, 3))
    assert iou.tolist() == [1, 1, 1]
