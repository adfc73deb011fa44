"""A model evaluated, by the verb and in parts."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import composegan
from composegan.cli import main
from composegan.evaluation import edits, segmenter
from composegan.evaluation.edits import edit_leakage
from composegan.evaluation.evaluate import Report, _leakages
from composegan.evaluation.figures import Figure
from composegan.evaluation.generated import draw_all, random_w
from composegan.evaluation.names import BUNDLED, INCEPTION, OTHERS
from composegan.evaluation.report import _notes
from composegan.metrics.inception import WEIGHTS
from composegan.metrics.layout import class_proportions
from composegan.model import saved_model
from composegan.networks.class_sets import ClassSets


@pytest.fixture(autouse=True)
def quickly(monkeypatch, tmp_path):
    monkeypatch.setattr(segmenter, "STEPS", 2)
    monkeypatch.setenv("COMPOSEGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))


@pytest.fixture(scope="module")
def model(whole_run):
    return composegan.load(whole_run)


def test_everything_of_a_run(whole_run, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["evaluate", f"run={whole_run}", "n=8", "seed=3", f"out={out}"]) == 0
    printed = capsys.readouterr().out
    content = json.loads((out / "evaluation.json").read_text())
    figures = {figure["name"]: figure for figure in content["figures"]}

    left_out = {name for name in OTHERS if name not in figures} - {"edit_leakage"}
    without_sets = {"presence_accuracy", "presence_accuracy_segmenter"}
    rare = {"rare_class_recall", "rare_class_recall_segmenter"}
    assert without_sets <= left_out <= without_sets | rare and set(BUNDLED) <= set(figures)
    assert not set(INCEPTION) & set(figures)
    assert any(f"{', '.join(INCEPTION)} are left out" in line and WEIGHTS in line for line in content["skipped"])
    for figure in figures.values():
        assert np.isfinite(figure["value"]) and figure["seed"] == 3 and figure["truncation"] == 1
        assert figure["images"] > 0 and figure["real_set"].startswith("shapes train") and figure["resize"]
    distance = figures["FD-EffNetLite0"]
    assert (distance["images"], distance["real_images"], distance["half_images"]) == (8, 7, 3)
    assert distance["note"].startswith("biased upwards: 7 images for 1,280 features; the two halves, of 3 each,")
    assert distance["halves"] > 0 and figures["precision-EffNetLite0"]["halves"] is None  # 3 are too few for k = 3
    for name in ("presence", "mask_consistency", "precision-EffNetLite0", "edit_leakage_texture"):
        assert 0 <= figures[name]["value"] <= 1
    assert set(content["classes"]) == {"ground", "ball", "glass"}

    for name in ("FD-EffNetLite0", "biased upwards", "against shapes train", "glass", f"wrote {out}"):
        assert name in printed
    assert "| FD-EffNetLite0 |" in (out / "evaluation.md").read_text()
    for name in ("presence", "agreement", "leakage"):
        assert min(Image.open(out / f"{name}.png").size) > 40


def test_a_saved_model_and_only_what_is_asked_for(whole_run, shapes, tmp_path, capsys):
    shutil.copytree(whole_run / "model", tmp_path / "model")
    asked = ["n=4", "metrics=FSD,presence", "truncation=0.5"]
    assert main(["evaluate", f"model={tmp_path / 'model'}", *shapes, *asked]) == 0
    content = json.loads((tmp_path / "model" / "evaluation" / "evaluation.json").read_text())
    assert [figure["name"] for figure in content["figures"]] == ["FSD", "presence"]
    first = content["figures"][0]["value"]
    assert main(["evaluate", f"model={tmp_path / 'model'}", *shapes, *asked]) == 0
    content = json.loads((tmp_path / "model" / "evaluation" / "evaluation.json").read_text())
    assert content["figures"][0]["value"] == first
    assert not list((tmp_path / "cache").rglob("segmenter*"))


def test_a_model_with_class_sets_has_presence_accuracy(whole_run, tmp_path, capsys):
    """A class that is not asked for has no layer; whether the render net leaves it out as well is what is measured."""
    model = composegan.load(whole_run)
    sets = ClassSets(torch.tensor([[1, 1, 0], [1, 0, 1], [1, 0, 0]]), torch.ones(3))
    saved_model.save(tmp_path / "model", dataclasses.replace(model, class_sets=sets))
    shutil.copy(whole_run / "config.yaml", tmp_path)
    if (whole_run / "domain").exists():
        shutil.copytree(whole_run / "domain", tmp_path / "domain")
    assert main(["evaluate", f"run={tmp_path}", "n=12", "metrics=presence_accuracy", f"out={tmp_path / 'out'}"]) == 0
    content = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    (figure,) = content["figures"]
    assert figure["name"] == "presence_accuracy" and 0.5 <= figure["value"] <= 1 and figure["images"] == 12
    assert "asked for and shown" in figure["note"] and "kept away" in capsys.readouterr().out
    assert all(0 <= content["classes"][name]["presence_kept_away"] <= 1 for name in ("ball", "glass"))
    assert content["classes"]["ground"]["presence_kept_away"] is None  # it is always asked for


def test_the_pictures_are_those_of_sample(model):
    w = random_w(model, 5, seed=2, truncation=0.6)
    samples = model.sample(5, seed=2, truncation=0.6)
    torch.testing.assert_close(w, samples.codes.slots[:, 0], rtol=1e-5, atol=1e-6)
    drawn = draw_all(model, w, [], None, batch=2)
    assert np.abs(drawn.pictures.permute(0, 2, 3, 1).numpy().astype(int) - samples.images).max() <= 1
    proportions = class_proportions(torch.from_numpy(samples.labels), 3)
    torch.testing.assert_close(drawn.proportions, proportions.float(), atol=0.01, rtol=0)


def test_leakage_counts_pictures_with_the_class_only(model):
    """Each class's texture changes where the class is; with every pixel the class's, nothing can leak."""
    w = random_w(model, 6, seed=0, truncation=1.0)
    proportions = draw_all(model, w, [], None, batch=4).proportions
    found = edit_leakage(model, w, proportions, seed=0, truncation=1.0, batch=4)
    assert found.pictures.tolist() == (proportions >= 1 / 1024).sum(dim=0).tolist()
    assert found.margin == 1 and found.rows == found.pictures.nonzero()[:, 0].tolist()
    for part in ("texture", "shape"):
        inside, grown = found.values[part], found.values[f"{part}_margin"]
        known = ~inside.isnan()
        assert known.any() and (grown[known] <= inside[known] + 1e-9).all()
        assert ((inside[known] >= 0) & (inside[known] <= 1)).all()
        assert len(found.heat[part]) == len(found.rows) == len(found.before)
    none = torch.zeros_like(proportions)
    none[:, 0] = 1
    assert edit_leakage(model, w, none, 0, 1.0, 4).values["texture"][1:].isnan().all()


def test_inception_weights_make_the_published_names(whole_run, tmp_path, capsys, monkeypatch):
    """The same features under the published names, from a network in the place of the downloaded one."""
    from composegan.metrics import inception

    class Small(torch.nn.Module):
        def __init__(self, path):
            super().__init__()

        def features(self, images):
            return images.float().div(255).mean(dim=(2, 3))

        def logits(self, features):
            return features

    (tmp_path / "weights.pth").write_bytes(b"seeded")
    monkeypatch.setattr(inception, "Inception", Small)
    monkeypatch.setattr(inception, "CHANNELS", 3)
    given = [f"run={whole_run}", "n=6", f"out={tmp_path / 'out'}", f"metrics={','.join(INCEPTION)}"]
    assert main(["evaluate", *given, f"inception={tmp_path / 'weights.pth'}"]) == 0
    content = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert [figure["name"] for figure in content["figures"]] == list(INCEPTION)
    assert all("299x299" in figure["resize"] for figure in content["figures"])
    assert content["figures"][0]["note"] == ""  # 6 images are enough for 3 features


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["n=1"], "n=1: at least 2 pictures are needed, and 1,000 to say much"),
        (["n=3", "metrics=precision-EffNetLite0"], "precision-EffNetLite0: 3 images are too few; precision and recall"),
        (["metrics=FIDD"], "metrics=FIDD: there is no 'FIDD'; did you mean 'FID'?"),
        (["metrics=FID"], "no Inception weights in "),
        (["inception=none.pth"], "inception=none.pth: there is no such file; download https://"),
        (["metrics="], "metrics=: which? all, or some of: FID, KID"),
        (["data.height=32"], "data.height, data.width: the model draws 16x16"),
        (["real_images=1", "metrics=FSD"], "FSD: 1 images are too few; a Frechet distance needs at least 2"),
        (["domain=faces", "data.root="], "domain=faces: has other classes than the model (they differ in: "),
        (["truncation=2"], "truncation=2.0: must be 0 to 1"),
    ],
)
def test_what_cannot_be_measured_is_one_line(whole_run, tmp_path, capsys, arguments, told):
    assert main(["evaluate", f"run={whole_run}", f"out={tmp_path / 'out'}", "n=4", *arguments]) == 2
    _, err = capsys.readouterr()
    error = [line for line in err.splitlines() if line.startswith("composegan: ")]
    assert len(error) == 1 and error[0].startswith(f"composegan: {told}")
    assert not (tmp_path / "out").exists()


def test_a_model_of_a_domain_that_is_not_there(whole_run, tmp_path, capsys):
    assert main(["evaluate", f"model={whole_run / 'model'}", "n=4"]) == 2
    assert "the model is of domain 'shapes', which is not installed; give domain=FILE" in capsys.readouterr().err


def test_leakage_of_edits_that_change_nothing_is_left_out_and_said(model, monkeypatch):
    monkeypatch.setattr(edits, "NOTHING", 10.0)
    w = random_w(model, 4, 0, 1.0)
    leakage = edit_leakage(model, w, draw_all(model, w, [], None, batch=4).proportions, 0, 1.0, 4)
    report = Report()
    assert all(values.isnan().all() for values in leakage.values.values())
    assert _leakages(leakage, report) == []
    assert report.skipped[0] == "edit_leakage_shape is left out: other codes changed no picture"


def test_a_note_is_told_once():
    figures = [Figure(name, 1.0, "lower", None, 4, 0, note=note) for name, note in (("a", "x"), ("b", ""), ("c", "x"))]
    assert _notes(figures) == ["a, c: x"]
