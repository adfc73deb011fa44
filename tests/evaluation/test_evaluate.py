"""`composegan evaluate` of a run and of a saved model, and the parts of an evaluation."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import composegan
from composegan.cli import main
from composegan.evaluation.class_edits import edit_classes
from composegan.evaluation.generated import draw, generated_rows, random_w
from composegan.evaluation.report import _notes
from composegan.metrics import inception
from composegan.metrics.figure import Figure
from composegan.metrics.inception import WEIGHTS
from composegan.metrics.layout import LAYOUT, class_proportions
from composegan.metrics.rows import Setting
from composegan.model import model_files
from composegan.networks.class_sets import ClassSets
from composegan.plugin import registry
from composegan.plugin.contracts import METRIC

PUBLISHED = ["FID", "KID", "IS", "precision", "recall"]
BUNDLED = [f"{name}-EffNetLite0" for name in ("FD", "KD", "IS", "precision", "recall")]


def content(folder):
    return json.loads((folder / "evaluation.json").read_text())


def proportions(model, w):
    """Class proportions (N, K) of generated masks."""
    layout = LAYOUT.open(Setting(len(model.classes), 16, 16, torch.device("cpu")))
    return generated_rows(model, w, None, {"layout": layout}, batch=4)["layout"]


def test_evaluate_all_metrics_of_a_run(whole_run, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["evaluate", f"run={whole_run}", "n=8", "seed=3", f"out={out}"]) == 0
    printed, found = capsys.readouterr().out, content(out)
    figures = {figure["name"]: figure for figure in found["figures"]}

    rare = {"rare_class_recall", "rare_class_recall_segmenter"}
    without_sets = {"presence_accuracy", "presence_accuracy_segmenter"}
    left_out = set(registry.names(METRIC, own=True)) - set(figures) - {"edit_leakage"} - rare
    assert left_out == {*PUBLISHED, *without_sets}
    assert any(f"{', '.join(PUBLISHED)} are left out" in line and WEIGHTS in line for line in found["skipped"])
    assert [name for name in figures if name.endswith("EffNetLite0")] == [*BUNDLED, "PPL-EffNetLite0"]
    for figure in figures.values():
        assert np.isfinite(figure["value"]) and figure["seed"] == 3 and figure["truncation"] == 1
        assert figure["images"] > 0 and figure["real_set"].startswith("shapes train") and figure["resize"]
    distance = figures["FD-EffNetLite0"]
    assert (distance["images"], distance["real_images"], distance["half_images"]) == (8, 7, 3)
    assert distance["note"].startswith("biased upwards: 7 images for 1,280 features; the two halves, of 3 each,")
    assert distance["halves"] > 0 and figures["precision-EffNetLite0"]["halves"] is None  # 3 are too few for k = 3
    for name in ("presence", "mask_consistency", "precision-EffNetLite0", "edit_leakage_all_texture", "live_classes"):
        assert 0 <= figures[name]["value"] <= 1
    assert len(figures["mask_consistency"]["beside"]) == 2
    assert found["verdict"] and f"verdict: {found['verdict']}\n" in printed
    assert found["verdict"] in (out / "evaluation.md").read_text()
    assert set(found["classes"]) == {"ground", "ball", "glass"}

    for name in ("FD-EffNetLite0", "biased upwards", "against shapes train", "glass", f"wrote {out}"):
        assert name in printed
    assert "| FD-EffNetLite0 |" in (out / "evaluation.md").read_text()
    for name in ("presence", "agreement", "leakage"):
        assert min(Image.open(out / f"{name}.png").size) > 40


def test_evaluate_saved_model_by_chosen_metrics_repeats_its_values(whole_run, shapes, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(whole_run / "model", model)
    values = []
    for out in (tmp_path / "one", tmp_path / "two"):
        given = [f"model={model}", *shapes, "n=4", "metrics=FSD,presence", "truncation=0.5", f"out={out}"]
        assert main(["evaluate", *given]) == 0
        values.append({figure["name"]: figure["value"] for figure in content(out)["figures"]})
    assert list(values[0]) == ["FSD", "presence"] and values[0] == values[1]
    assert not list((tmp_path / "cache").rglob("segmenter*"))


def test_evaluate_model_with_class_sets_has_presence_accuracy(whole_run, tmp_path, capsys):
    """A class outside the set has no layer; whether the render net leaves it out as well is what is measured."""
    sets = ClassSets(torch.tensor([[1, 1, 0], [1, 0, 1], [1, 0, 0]]), torch.ones(3))
    model_files.save(tmp_path / "model", dataclasses.replace(composegan.load(whole_run), class_sets=sets))
    shutil.copy(whole_run / "config.yaml", tmp_path)
    if (whole_run / "domain").exists():
        shutil.copytree(whole_run / "domain", tmp_path / "domain")
    assert main(["evaluate", f"run={tmp_path}", "n=12", "metrics=presence_accuracy", f"out={tmp_path / 'out'}"]) == 0
    found = content(tmp_path / "out")
    (figure,) = found["figures"]
    assert figure["name"] == "presence_accuracy" and 0.5 <= figure["value"] <= 1 and figure["images"] == 12
    assert "asked for and shown" in figure["note"] and "kept away" in capsys.readouterr().out
    assert all(0 <= found["classes"][name]["presence_kept_away"] <= 1 for name in ("ball", "glass"))
    assert found["classes"]["ground"]["presence_kept_away"] is None  # every class set has it


def test_evaluate_on_inception_weights_uses_the_published_names(whole_run, tmp_path, monkeypatch):
    class Small(torch.nn.Module):
        def __init__(self, path):
            super().__init__()

        def features(self, images):
            return images.float().div(255).mean(dim=(2, 3))

        def logits(self, features):
            return features

    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"seeded")
    monkeypatch.setattr(inception, "Inception", Small)
    given = ["n=6", f"out={tmp_path / 'out'}", f"metrics={','.join(PUBLISHED)}", f"inception={weights}"]
    assert main(["evaluate", f"run={whole_run}", *given]) == 0
    figures = content(tmp_path / "out")["figures"]
    assert [figure["name"] for figure in figures] == PUBLISHED
    assert all("299x299" in figure["resize"] for figure in figures)
    assert figures[0]["note"] == ""  # 6 images are enough for 3 features


@pytest.mark.parametrize(
    ("n", "real_images", "left_out"),
    [
        (2, 7, {"2 images are too few; precision and recall need at least 4"}),
        pytest.param(4, 2, {"2 images are too few; precision and recall need at least 4"}, marks=pytest.mark.slow),
        pytest.param(3, 3, {"3 images are too few; precision and recall need at least 4"}, marks=pytest.mark.slow),
        (2, 1, {"1 images are too few; a covariance needs at least 2", "a segmenter needs at least 2"}),
    ],
)
def test_few_images_leave_out_only_the_metrics_that_need_more(whole_run, tmp_path, n, real_images, left_out):
    out = tmp_path / "out"
    assert main(["evaluate", f"run={whole_run}", f"n={n}", f"real_images={real_images}", f"out={out}"]) == 0
    found = content(out)
    measured = {figure["name"] for figure in found["figures"]}
    assert {"sliced_wasserstein", "PPL-EffNetLite0"} <= measured and not measured & {"recall-EffNetLite0", "recall"}
    assert ("FSD" in measured) == ("mask_consistency" in measured) == (real_images > 1)
    assert all(np.isfinite(figure["value"]) for figure in found["figures"])
    assert all(any(reason in line for line in found["skipped"]) for reason in left_out)
    assert "NaN" not in (out / "evaluation.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["n=1"], "n=1: must be 2 to 1,000,000"),
        (["n=3", "metrics=precision-EffNetLite0"], "precision-EffNetLite0: 3 images are too few; precision and recall"),
        (["metrics=FIDD"], "metrics=FIDD: there is no 'FIDD'; did you mean 'FID'?"),
        (["metrics=FID"], "no Inception weights in "),
        (["inception=none.pth"], "inception=none.pth: there is no such file; download https://"),
        (["metrics="], "metrics=: name at least one, or all"),
        (["data.height=32"], "data.height, data.width: the model draws 16x16"),
        (["real_images=1", "metrics=FSD"], "FSD: 1 images are too few; a covariance needs at least 2"),
        (["domain=faces", "data.root="], "domain=faces: has other classes than the model (they differ in: "),
        (["truncation=2"], "truncation=2.0: must be 0 to 1"),
    ],
)
def test_evaluate_reports_bad_input_in_one_line(whole_run, tmp_path, error_line, arguments, message):
    line = error_line("evaluate", f"run={whole_run}", f"out={tmp_path / 'out'}", "n=4", *arguments)
    assert line.startswith(message)
    assert not (tmp_path / "out").exists()


def test_evaluate_finds_the_domain_that_a_run_keeps(whole_run, shapes, tmp_path, monkeypatch):
    root = shapes[1].partition("=")[2]
    common = ["n=4", "metrics=sliced_wasserstein", shapes[1]]
    assert main(["evaluate", f"model={whole_run / 'model'}", *common, f"out={tmp_path / 'verb'}"]) == 0
    given = {"metrics": "sliced_wasserstein", "n": 4}
    expected = content(tmp_path / "verb")["figures"][0]["value"]
    for model in (composegan.load(whole_run), composegan.load(whole_run / "model"), composegan.Run(whole_run).model()):
        assert model.evaluate(root, **given)["sliced_wasserstein"] == expected
    monkeypatch.chdir(whole_run / "model")
    assert composegan.load(".").evaluate(root, **given)["sliced_wasserstein"] == expected


def test_evaluate_names_a_domain_that_is_not_installed(whole_run, error_line, tmp_path):
    copy = composegan.load(whole_run).save(tmp_path / "model")
    line = error_line("evaluate", f"model={copy}", "n=4")
    assert "the model is of domain 'shapes', which is not installed; give domain=FILE" in line


def test_generated_images_are_those_of_sample(model):
    w = random_w(model, 5, seed=2, truncation=0.6)
    samples = model.sample(5, seed=2, truncation=0.6)
    torch.testing.assert_close(w, samples.codes.slots[:, 0], rtol=1e-5, atol=1e-6)
    images, _ = draw(model, w)
    assert np.abs(images.permute(0, 2, 3, 1).numpy().astype(int) - samples.images).max() <= 1
    expected = class_proportions(torch.from_numpy(samples.labels), 3)
    torch.testing.assert_close(proportions(model, w), expected.float(), atol=0.01, rtol=0)


def test_edits_count_only_pictures_with_the_class(model):
    w = random_w(model, 6, seed=0, truncation=1.0)
    shares = proportions(model, w)
    found = edit_classes(model, w, shares, seed=0, truncation=1.0, batch=4)
    counts = (shares >= 1 / 1024).sum(dim=0)
    assert [each.k for each in found] == counts.nonzero()[:, 0].tolist()
    for each in found:
        assert each.pictures == counts[each.k]
        for part in ("texture", "shape"):
            inside, grown = (each.measured[part][name] for name in ("leakage", "leakage_margin"))
            assert inside != inside or 0 <= grown <= inside + 1e-9 <= 1 + 1e-9
            assert each.heat[part].shape == each.before.shape[:2]
        assert 0 <= each.ownership <= 1
    assert any(each.measured["texture"]["leakage"] > 0 for each in found)
    only_ground = torch.tensor([[1.0, 0, 0]]).expand(6, -1)
    assert [each.k for each in edit_classes(model, w, only_ground, 0, 1.0, 4)] == [0]


def test_edit_leakage_without_any_change_is_left_out(whole_run, tmp_path, monkeypatch):
    monkeypatch.setattr("composegan.metrics.leakage.NOTHING", 10.0)
    assert main(["evaluate", f"run={whole_run}", "n=4", "metrics=edit_leakage", f"out={tmp_path}"]) == 0
    found = content(tmp_path)
    assert found["figures"] == []
    assert "edit_leakage_all_shape is left out: other codes changed no picture" in found["skipped"]


def test_report_merges_equal_notes():
    figures = [Figure(name, 1.0, "lower", None, 4, 0, note=note) for name, note in (("a", "x"), ("b", ""), ("c", "x"))]
    assert _notes(figures) == ["a, c: x"]
