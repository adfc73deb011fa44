"""Metrics of presence, as figures of a report, on sets whose answer is known."""

from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from composegan.evaluation import agreement
from composegan.evaluation.agreement import SEGMENTER
from composegan.evaluation.segmenter import Trained
from composegan.metrics import presence
from composegan.metrics.figure import NotMeasuredError, Sets
from composegan.metrics.layout import LAYOUT
from composegan.metrics.rows import Describer
from composegan.metrics.thresholds import PRESENT

HELD_OUT = torch.tensor([[90, 0], [2, 8]])
PIXELS = torch.tensor([[50, 10], [30, 10]])


def rows(ground: int, rare: int, pictures: int = 20) -> torch.Tensor:
    """Proportions of pictures: the first `ground` have class 0, and `rare`, spread over them, have class 1."""
    proportions = torch.zeros(pictures, 2)
    proportions[:ground, 0] = 0.5
    proportions[:: pictures // rare if rare else pictures + 1, 1] = PRESENT
    return proportions if rare else proportions * torch.tensor([1, 0])


def evaluation(real, fake, pixels=PIXELS, class_sets=None):
    """What the metrics read. pixels: the confusion (K, K) of one picture with the segmenter."""
    trained = Trained(None, HELD_OUT, HELD_OUT, HELD_OUT, held_out=5, learned_from=1234)
    return SimpleNamespace(
        real={LAYOUT.name: real}, generated={LAYOUT.name: fake, SEGMENTER.name: pixels[None].expand(len(fake), -1, -1)},
        opened={SEGMENTER.name: Describer(None, network=trained)}, w=fake, present=class_sets,
        sets=lambda rows: Sets.of(real, fake), columns={}, sheets={"agreement": Image.new("RGB", (1, 1))},
    )  # fmt: skip


def figure(metric, given):
    (found,) = metric.measure(given)
    return found


def test_rare_class_recall_with_and_without_a_segmenter():
    given = evaluation(rows(20, 2), rows(20, 1))
    assert presence.agreement.compare(rows(20, 2), rows(20, 1)) == pytest.approx(1 - 0.05 / 2)
    found = figure(presence.rare_class_recall, given)
    assert (found.value, found.halves, found.images, found.real_images, found.half_images) == (0.5, 1, 20, 20, 10)
    assert found.note == "of the 1 class in less than 20% of the real images"
    found = figure(agreement.rare_class_recall, given)
    assert (found.value, found.halves, found.real_images) == (0.25, 0.8, 5)
    assert found.note.startswith("of the 1 class in less than 20% of the real images; segmenter of 1,234 real")


def test_rare_class_recall_of_a_model_that_dropped_the_class():
    given = evaluation(rows(20, 2), rows(20, 0), torch.tensor([[100, 0], [0, 0]]))
    assert figure(presence.rare_class_recall, given).value == 0
    with pytest.raises(NotMeasuredError, match="^the model draws none of the rare classes$"):
        agreement.rare_class_recall.measure(given)


@pytest.mark.parametrize("metric", [presence.rare_class_recall, agreement.rare_class_recall])
def test_rare_class_recall_needs_a_rare_class(metric):
    with pytest.raises(NotMeasuredError, match="^no class is in less than 20% of the real images$"):
        metric.measure(evaluation(rows(20, 10), rows(20, 1)))


def test_presence_accuracy_of_class_sets_that_are_followed_or_not():
    fake = rows(20, 2)
    given = evaluation(rows(20, 2), fake, torch.tensor([[1024, 0], [0, 0]]), class_sets=fake >= PRESENT)
    found = figure(presence.accuracy, given)
    assert found.value == 1 and found.note == "asked for and shown 1.000, kept away 1.000, by the masks"
    found = figure(agreement.presence_accuracy, given)  # class 0 is always shown; class 1 never, so kept away only
    assert found.value == pytest.approx((1 + 0.5) / 2) and found.images == 20 and found.halves is None
    assert found.note.startswith("asked for and shown 0.500, kept away 1.000, by a segmenter of 1,234 real")


@pytest.mark.parametrize("metric", [presence.accuracy, agreement.presence_accuracy])
def test_presence_accuracy_needs_class_sets(metric):
    with pytest.raises(NotMeasuredError, match="^the model has no class sets$"):
        metric.measure(evaluation(rows(20, 2), rows(20, 2)))
