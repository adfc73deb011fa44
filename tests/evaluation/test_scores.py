"""Metrics during training."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from composegan.config.compose import compose
from composegan.config.schema import DataConfig
from composegan.config.validate import deciding_scores, score_names
from composegan.data.open import open_source
from composegan.data.sample import Sample
from composegan.errors import UserError
from composegan.evaluation.generated import Generated
from composegan.evaluation.probe import agreement, fit_probe
from composegan.evaluation.scores import Scores, _dead, draw_real, selection
from composegan.plugin import registry
from composegan.plugin.contracts import METRIC
from tests.helpers import last, refused

SCORES = ("sliced_wasserstein", "FSD", "FD-EffNetLite0", "KD-EffNetLite0")
"""The metrics that composegan offers for `output.metrics`."""


@pytest.fixture(scope="module")
def real(shapes):
    """(scores of all kinds, of 6 real images; those images and labels)."""
    composed = compose([*shapes, "data.height=16", "data.width=16", "model.coarse_size=8", "model.min_feat_size=4"])
    source = open_source(composed.plugin, composed.config.data)
    data = DataConfig(height=16, width=16)
    metrics = [registry.require(name, METRIC) for name in SCORES]
    scores = Scores(metrics, source, data, 3, 6, seed=1, device=torch.device("cpu"))
    draws = torch.Generator().manual_seed(1)
    samples = [source[i] for i in torch.randint(len(source), (6,), generator=draws).tolist()]
    images = torch.stack([torch.from_numpy(s.image) for s in samples]).float() / 127.5 - 1
    return scores, images, torch.stack([torch.from_numpy(s.labels) for s in samples])


def scored(scores, images, labels):
    """Scores of pictures, by metrics that look at nothing else."""
    return scores(Generated(None, None, None, images, labels))


def test_scores_of_the_real_images_are_zero(real):
    scores, images, labels = real
    found = scored(scores, images, labels)
    assert list(found) == list(SCORES)
    assert found["sliced_wasserstein"] == 0
    assert found["FSD"] == pytest.approx(0, abs=1e-9)
    assert found["FD-EffNetLite0"] == pytest.approx(0, abs=1e-2)
    assert found["KD-EffNetLite0"] < 0  # unbiased: the same images again are nearer than others of their kind


def test_scores_grow_with_the_difference(real):
    scores, images, labels = real
    near, noise = scored(scores, images, labels), scored(scores, torch.rand(images.shape) * 2 - 1, labels)
    assert all(noise[name] > near[name] + 0.01 for name in SCORES if name != "FSD")
    assert scored(scores, images, labels * 0)["FSD"] > 0.1 + noise["FSD"]


def test_default_score_prefers_recognisable_cars_to_plaid(tmp_path):
    """Blurred, pale cars are nearer to cars than blocks of 16x16 pixels in random order are; patches do not show it."""
    settings = ["data.height=64", "data.width=96", "data.demo_count=24", f"data.cache={tmp_path}"]
    composed = compose(["domain=cars", "recipe=quick", *settings])
    config, source = composed.config, open_source(composed.plugin, composed.config.data)
    names = score_names(config)[:2]
    metrics = [registry.require(name, METRIC) for name in names]
    count, classes = 24, len(composed.plugin.spec.classes)
    scores = Scores(metrics, source, config.data, classes, count, 1, torch.device("cpu"))
    cars, labels = draw_real(source, config.data, classes, count, 2)
    draws = torch.Generator().manual_seed(0)
    blocks = functional.unfold(cars, 16, stride=16)  # (N, 3 * 256, 24)
    order = torch.rand(count, 1, blocks.shape[2], generator=draws).argsort(dim=2)
    plaid = functional.fold(blocks.gather(2, order.expand_as(blocks)), cars.shape[2:], 16, stride=16)
    pale = 0.85 * functional.avg_pool2d(cars, 5, stride=1, padding=2, count_include_pad=False) + 0.12
    found, other = scored(scores, plaid, labels), scored(scores, pale, labels)
    assert names == ["FD-EffNetLite0", "sliced_wasserstein"]
    assert deciding_scores(config) == ["FD-EffNetLite0", "live_classes", "mask_consistency"]
    assert found["sliced_wasserstein"] < other["sliced_wasserstein"]
    assert found["FD-EffNetLite0"] > 1.5 * other["FD-EffNetLite0"]


def test_probe_learns_colours_and_sees_a_wrong_mask(real):
    _, images, labels = real
    rounded = ((images + 1) * 127.5).round().byte()
    probe = fit_probe(rounded, labels, 3, torch.device("cpu"))
    assert torch.equal(probe.weights, fit_probe(rounded, labels, 3, torch.device("cpu")).weights)
    assert agreement(probe, rounded, labels, 3).min() > 0.8
    assert agreement(probe, rounded, labels.roll(1, 0), 3).max() < 0.5


@pytest.mark.parametrize(
    ("first", "live", "consistency", "expected"),
    [(10.0, 1.0, 1.0, 10.0), (10.0, 0.0, 1.0, 20.0), (10.0, 0.5, 0.5, 22.5), (-2.0, 0.0, 1.0, -1.0)],
)
def test_selection_weighs_the_first_metric_by_dead_classes_and_masks(first, live, consistency, expected):
    values = {"KD": first, "live_classes": live, "mask_consistency": consistency}
    assert selection(values, list(values)) == pytest.approx(expected)
    assert selection(values, ["KD"]) == first


class Flaky:
    """Seven pictures of one colour each; `bad` ones fail."""

    def __init__(self, bad, error):
        self.bad, self.error = bad, error

    def __len__(self):
        return 7

    def __getitem__(self, index):
        if index in self.bad:
            raise self.error
        return Sample(np.full((3, 16, 16), index, np.uint8), np.zeros((16, 16), np.uint8), str(index))


def drawn(source, on_error, count=6):
    """The real images that scores compare with."""
    images, _ = draw_real(source, DataConfig(height=16, width=16, on_error=on_error), 3, count, seed=1)
    return images


@pytest.mark.parametrize("error", [UserError("x.png: is damaged"), OSError(5, "Input/output error", "x.png")])
def test_scores_replace_or_report_unreadable_real_images(error):
    assert len(drawn(Flaky({1, 2, 3}, error), "skip", 40)) == 40
    with pytest.raises(UserError, match=r"^x.png: "):
        drawn(Flaky({1, 2, 3}, error), "stop", 40)
    with pytest.raises(UserError, match=r"^none of the 7 images can be used; the first: x.png: "):
        drawn(Flaky(set(range(7)), error), "skip")


def test_scores_refuse_labels_outside_the_vocabulary():
    class Wrong(Flaky):
        def __getitem__(self, index):
            return Sample(np.zeros((3, 16, 16), np.uint8), np.full((16, 16), 9, np.uint8), "x")

    with pytest.raises(UserError, match=r"^x: label values outside the vocabulary"):
        drawn(Wrong((), None), "stop")


def test_fit_writes_scores_and_selects_by_the_first(fit, figures_of):
    run = fit("output.metrics=FSD,sliced_wasserstein", "training.images=16")
    written = [row for row in figures_of(run) if row["score/FSD"]]
    assert [row["images_seen"] for row in written] == ["8", "16"]
    assert all(float(row["score/sliced_wasserstein"]) > 0 for row in written)
    state = last(run)
    assert state["best_of"] == "FSD"
    assert state["best"] == pytest.approx(min(float(row["score/FSD"]) for row in written), rel=1e-5)


@pytest.mark.parametrize(
    ("live", "line"),
    [
        ([1, 1, 1], "3 of 3 classes can be edited"),
        ([1, 0, torch.nan], "1 of 2 classes can be edited; not yet: disc"),  # the data have no third class
    ],
)
def test_report_names_classes_that_cannot_be_edited(live, line):
    assert _dead(("ground", "disc", "moon"), torch.tensor(live)) == [line]
    assert _dead(("ground", "disc", "moon"), None) == []


def test_fit_reports_classes_and_selects_by_them(fit, figures_of, capsys):
    run = fit("output.metrics=sliced_wasserstein,live_classes,mask_consistency", "training.images=8")
    (row,) = [row for row in figures_of(run) if row["score/selection"]]
    distance, live, agrees, selected = (
        float(row[f"score/{name}"]) for name in ("sliced_wasserstein", "live_classes", "mask_consistency", "selection")
    )
    assert selected == pytest.approx(distance * (2 - live) * (2 - agrees), rel=1e-4)
    state = last(run)
    assert state["best_of"] == "sliced_wasserstein x live_classes x mask_consistency"
    assert state["best"] == pytest.approx(selected, rel=1e-5)
    printed = capsys.readouterr().out
    assert "class   live  liveness  ownership  mask consistency\n" in printed and "\nball " in printed


def test_fit_does_not_depend_on_scores_and_resets_best_for_another_metric(fit, resume, whole_run, figures_of):
    run = fit("training.images=8", "output.score_every=4")
    before = last(run)
    assert before["best_of"] == "sliced_wasserstein"
    resume(run, "training.images=24", "output.metrics=KD-EffNetLite0", "output.score_every=8")
    after = last(run)
    scored = [float(row["score/KD-EffNetLite0"]) for row in figures_of(run) if row.get("score/KD-EffNetLite0")]
    assert len(scored) == 2 and after["best"] == pytest.approx(min(scored), rel=1e-5) != before["best"]
    assert all(torch.equal(after["networks"][name], tensor) for name, tensor in last(whole_run)["networks"].items())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["output.metrics=presence"], "output.metrics: presence is for `composegan evaluate` only; choose"),
        (["output.metrics=FDS"], "output.metrics: no metric 'FDS' is installed; did you mean 'FSD'?"),
        (["output.metrics="], "output.metrics=: which?"),
        (["output.metrics=FSD", "output.score_samples=1"], "output.score_samples=1: FSD needs 2"),
    ],
)
def test_score_settings_are_validated(shapes, settings, message):
    assert refused(compose, [*shapes, "recipe=quick", *settings]).startswith(message)
