"""What can be done with a loaded model from Python, and that it is what the verbs do."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import composegan
from composegan.cli import main
from composegan.errors import UserError
from composegan.networks import paper_family

PHOTO = {"steps": 2, "tune_steps": 1, "size": 32, "lpips": "off", "perceptual": 0.0}


@pytest.fixture(scope="module")
def model(whole_run):
    return composegan.load(whole_run)


def test_repr_is_one_line(model):
    codes = model.codes(2)
    shown = [model, codes, model.draw(codes), model.edit(codes, "ball"), model.mix(codes, codes, "ball")]
    shown += [model.components(codes[0]), model.directions("ball", count=1, measured_on=0)]
    assert repr(model) == "Model(domain 'shapes', 16x16, 3 classes, cpu)"
    assert all("\n" not in repr(item) and len(repr(item)) < 120 for item in shown)


def test_results_show_themselves_in_a_notebook(model):
    codes = model.codes(2)
    for result in (model.edit(codes, "ball"), model.mix(codes, codes, "ball"), model.components(codes[0])):
        picture = Image.open(io.BytesIO(result._repr_png_()))
        assert (picture.format, picture.size) == ("PNG", result.sheet().size)
        assert "data:image/png;base64," in (page := result._repr_html_()) and repr(result) in page


def test_default_truncation_is_that_of_the_command_line(model, whole_run, tmp_path):
    assert main(["sample", f"run={whole_run}", "n=2", f"out={tmp_path}"]) == 0
    drawn = composegan.Codes.load(tmp_path, model)
    assert torch.equal(drawn.slots, model.sample(2).codes.slots)
    assert torch.equal(drawn.slots, model.codes(2, truncation=0.7).slots)


def test_edit_is_that_of_the_command_line(model, whole_run, tmp_path):
    given = ["classes=ball", "part=texture", "other_seed=3", "n=2"]
    assert main(["edit", f"run={whole_run}", *given, f"out={tmp_path}"]) == 0
    edit = model.edit(model.codes(2), "ball", part="texture", seed=3)
    for number, picture in enumerate(edit.after.images):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "after/images" / f"{number:05d}.png")), picture)
    assert edit.classes == ("ball",) and 0 <= edit.mean_leakage() <= 1
    by_hand = model.compare(edit.before.codes, edit.after.codes, "ball")
    np.testing.assert_array_equal(by_hand.after.images, edit.after.images)


def test_mistakes_name_the_nearest(model):
    codes = model.codes(2)
    for call, reason in (
        (lambda: model.edit(codes, "bal"), "classes=bal: there is no 'bal'; did you mean 'ball'"),
        (lambda: model.edit(codes, "ball", part="textur"), "part=textur: did you mean 'texture'"),
        (lambda: model.edit(codes, "ball", method="resampl"), "method=resampl: did you mean 'resample'"),
        (lambda: model.directions("ball", method="sef"), "method=sef: did you mean 'sefa'"),
        (lambda: model.directions("ball", count=17), "count=17: must be 1 to 16"),
        (lambda: model.invert("photo.png", step=3), "unknown key 'step'; did you mean 'steps'"),
        (lambda: model.invert("nowhere.png"), "photos=nowhere.png: no such file"),
        (lambda: model.evaluate(metrics=["FS"]), "metrics=FS: there is no 'FS'; did you mean 'FSD'"),
        (lambda: model.evaluate(splt="train", metrics="FSD"), "unknown key 'splt'; did you mean 'split'"),
        (lambda: model.interpolate(codes, "loop.avi"), "out=loop.avi: must end in .mp4 or .gif"),
        (lambda: model.draw(model.codes(0)), "n=0: must be 1 or more"),
        (lambda: composegan.concat([]), "concat needs at least one element"),
    ):
        with pytest.raises(UserError, match=reason):
            call()


def test_interpolate_has_about_the_length_asked_for(model, tmp_path):
    path = model.interpolate(model.codes(3), tmp_path / "loop.gif", seconds=0.6, rate=10, size=16)
    assert Image.open(path).n_frames == 6


def test_directions_are_those_of_the_command_line(model, whole_run, tmp_path):
    given = ["classes=ball", "part=texture", "method=sefa", "count=2", "measured=4", "shown=0"]
    assert main(["directions", f"run={whole_run}", *given, f"out={tmp_path}"]) == 0
    saved = composegan.Directions.load(tmp_path, model)
    found = model.directions("ball", part="texture", method="sefa", count=2, measured_on=4)
    assert list(found.items) == list(saved.items) == found._ipython_key_completions_()
    assert [one.facts for one in found] == [one.facts for one in saved]


def test_invert_takes_a_photo_in_any_form(model, tmp_path):
    sample = model.sample(1, seed=4)[0]
    sample.image.save(tmp_path / "photo.png")
    Image.fromarray(sample.labels).save(tmp_path / "mask.png")
    large = sample.image.resize((48, 32), Image.Resampling.NEAREST)  # wider: cropped at the centre
    forms = [tmp_path / "photo.png", str(tmp_path / "photo.png"), sample.image, np.asarray(sample.image)]
    forms += [[sample.image], np.asarray(sample.image)[None]]
    results = [model.invert(form, **PHOTO) for form in forms]
    assert all(torch.equal(result.codes.slots, results[0].codes.slots) for result in results)
    assert len(model.invert([large, sample.image], **PHOTO).codes) == 2
    with_mask = model.invert(tmp_path / "photo.png", tmp_path / "mask.png", **PHOTO)
    assert "mask_iou" in with_mask.figures[0]["w+"] and "mask_iou" not in results[0].figures[0]["w+"]
    again = model.invert(sample.image, sample.labels, **PHOTO)
    assert torch.equal(again.codes.slots, with_mask.codes.slots)
    with pytest.raises(UserError, match="a photo is float64 .*; uint8 \\(H, W, 3\\) is needed"):
        model.invert(np.zeros((4, 4, 3)), **PHOTO)
    with pytest.raises(UserError, match="2 masks for 1 photos"):
        model.invert(sample.image, [sample.labels] * 2, **PHOTO)


def test_evaluate_compares_with_a_folder(model, shapes, whole_run, tmp_path, monkeypatch):
    monkeypatch.setenv("COMPOSEGAN_CACHE", str(tmp_path / "cache"))
    domain, root = (setting.partition("=")[2] for setting in shapes)
    evaluation = model.evaluate(root, metrics=["FSD"], domain=domain, n=4)
    assert "FSD" in evaluation and "FDS" not in evaluation and [*evaluation] == [*evaluation.values]
    with pytest.raises(UserError, match="there is no figure 0"):
        evaluation[0]
    assert evaluation["FSD"] >= 0 and repr(evaluation).startswith("EvaluationResult(FSD ")
    assert (evaluation.save(tmp_path / "out") / "evaluation.json").is_file()
    with pytest.raises(UserError, match="there is no figure 'FDS'; did you mean 'FSD'"):
        evaluation["FDS"]
    given = [domain and f"domain={domain}", f"data.root={root}", "metrics=FSD", "n=4", f"out={tmp_path / 'verb'}"]
    assert main(["evaluate", f"run={whole_run}", *given]) == 0
    assert (tmp_path / "verb" / "evaluation.json").is_file()


def test_save_and_load_give_the_same_model(model, tmp_path):
    again = composegan.load(model.save(tmp_path / "copy"))
    assert isinstance(again, composegan.Model) and again.about == model.about
    np.testing.assert_array_equal(again.sample(2).images, model.sample(2).images)
    assert isinstance(model.to("cpu"), composegan.Model)


def test_old_model_folders_load(tmp_path):
    """A configuration written before models had a family, adapters and embeddings."""
    settings = Path(__file__).with_name("old_model.json").read_text(encoding="utf-8")
    (tmp_path / "config.json").write_text(settings, encoding="utf-8")
    generator = paper_family.family.generator(json.loads(settings)["generator"])
    weights = {f"generator.{name}": value.contiguous() for name, value in generator.state_dict().items()}
    save_file({**weights, "mean_code": torch.zeros(64)}, tmp_path / "model.safetensors")
    model = composegan.load(tmp_path)
    assert model.domain == "faces" and len(model.classes) == 13 and model.sample(1).images.shape == (1, 64, 64, 3)


def test_samples_stand_for_their_codes(model):
    samples = model.sample(2)
    np.testing.assert_array_equal(model.draw(samples).images, samples.images)
    np.testing.assert_array_equal(model.draw(samples[1]).images, samples.images[1:])
    edits = [model.edit(pictures, "ball").after.images for pictures in (samples, samples.codes)]
    np.testing.assert_array_equal(*edits)
    for given in (samples.images, "samples", None):
        with pytest.raises(UserError, match="codes or samples are needed"):
            model.draw(given)
    with pytest.raises(UserError, match="given: Codes, Samples"):
        composegan.concat([samples, samples.codes])


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda model: model.codes(1, truncation=1.5), "truncation=1.5: must be 0 to 1"),
        (lambda model: model.codes(1, seed=-1), "seed=-1: must be 0 or more"),
        (lambda model: model.codes(1, seed=0.5), "seed=0.5: must be a whole number"),
        (lambda model: model.codes(-1), "n=-1: must be 1 or more"),
        (lambda model: model.interpolate(model.codes(2), "loop.gif", seconds=0), "seconds=0: must be above 0"),
        (lambda model: model.interpolate(model.codes(2), "loop.gif", rate=-1), "rate=-1: must be above 0"),
        (lambda model: model.interpolate(model.codes(2), "loop.gif", size=0), "size=0: must be 1 or more"),
        (lambda model: model.directions("ball", n=9), "n=9: must be 10 or more"),
        (lambda model: model.evaluate(metrics="FSD", truncation=-1), "truncation=-1: must be 0 to 1"),
    ],
)
def test_a_number_out_of_range_is_refused(model, call, reason):
    with pytest.raises(UserError, match=f"^{reason}"):
        call(model)


ODD = [None, 3, -1, float("nan"), "x", "", [], [None], {}, object(), b"x", np.zeros(3), torch.zeros(2)]
CALLS = {
    "path": lambda model, value: composegan.load(value),
    "device": lambda model, value: model.to(value),
    "gpu": lambda model, value: composegan.load(model.save(value), "gpu"),
    "run": lambda model, value: composegan.Run(value),
    "parts": lambda model, value: composegan.concat(value),
    "codes file": lambda model, value: composegan.Codes.load(value, model),
    "samples folder": lambda model, value: composegan.Samples.load(value, model),
    "directions": lambda model, value: composegan.Directions.load(value, model),
    "seed": lambda model, value: model.sample(1, seed=value),
    "pictures": lambda model, value: model.sample(pictures=value),
    "truncation": lambda model, value: model.codes(1, truncation=value),
    "batch": lambda model, value: model.sample(1, batch=value),
    "classes": lambda model, value: model.edit(model.codes(1), value),
    "part": lambda model, value: model.mix(model.codes(1), model.codes(1), "ball", part=value),
    "method": lambda model, value: model.edit(model.codes(1), "ball", method=value),
    "amount": lambda model, value: model.edit(model.codes(1), "ball", method="scale", amount=value),
    "other": lambda model, value: model.edit(model.codes(1), "ball", method="copy", other=value),
    "photos": lambda model, value: model.edit(model.codes(1), "ball", photos=value),
    "codes": lambda model, value: model.draw(value),
    "components": lambda model, value: model.components(model.codes(1), value),
    "attribute": lambda model, value: model.directions("ball", method="boundary", attribute=value),
    "invert": lambda model, value: model.invert(value, **PHOTO),
    "steps": lambda model, value: model.invert(np.zeros((16, 16, 3), np.uint8), **{**PHOTO, "steps": value}),
    "index": lambda model, value: model.index(value),
    "selected": lambda model, value: model.codes(1)[value],
    "assigned": lambda model, value: setattr(model.codes(1)["ball"], "shape", value),
    "blended": lambda model, value: model.codes(1).blend(value, 0.5),
    "moved": lambda model, value: model.directions("ball", count=1, measured_on=0)["ball.pca0"].apply(value, 1),
}
TAKEN = {
    "seed": ["3"], "batch": ["3"], "amount": ["None", "3", "-1"], "other": ["None"], "photos": ["None"],
    "pictures": ["None", "b'x'"], "steps": ["None", "''", "3"], "selected": ["3", "-1", "[]"],
}  # fmt: skip
"""What is no mistake, or raises IndexError as a list does."""


@pytest.mark.parametrize("name", CALLS)
def test_values_of_another_type_are_one_line(model, name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for value in [value for value in ODD if repr(value) not in TAKEN.get(name, ())]:
        with pytest.raises(UserError) as raised:
            CALLS[name](model, value)
        assert "\n" not in str(raised.value) and len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("make", "misspelt", "meant"),
    [
        (lambda model: model, "smaple", "sample"),
        (lambda model: model.sample(1), "iamges", "images"),
        (lambda model: model.sample(1)[0], "imgae", "image"),
        (lambda model: model.codes(1), "clsses", "classes"),
        (lambda model: model.edit(model.codes(1), "ball"), "befor", "before"),
        (lambda model: model.directions("ball", count=1, measured_on=0), "itmes", "items"),
    ],
)
def test_a_misspelt_attribute_names_the_nearest(model, make, misspelt, meant):
    made = make(model)
    with pytest.raises(AttributeError, match=f"has no '{misspelt}'; did you mean '{meant}'"):
        getattr(made, misspelt)
    assert not hasattr(made, "_repr_svg_") and hasattr(copy.copy(made), meant)


@pytest.mark.parametrize("inside", ["checkpoints/last.pt", "model/model.safetensors", "config.yaml"])
def test_a_file_of_a_run_names_the_run(whole_run, inside):
    with pytest.raises(UserError, match=f"{inside}: is a file; give the folder of its model or run, {whole_run}"):
        composegan.load(whole_run / inside)


def test_sample_takes_the_numbers_of_pictures(model):
    np.testing.assert_array_equal(model.sample(pictures=[3, 1], seed=2).images, model.sample(4, seed=2).images[[3, 1]])


def test_numpy_integers_are_numbers(model):
    assert torch.equal(model.codes(np.int64(2), seed=np.int64(3)).slots, model.codes(2, seed=3).slots)


def test_results_can_be_asked_for_names(model):
    found = model.directions("ball", count=1, measured_on=0)
    assert "ball.pca0" in found and "ball.pca1" not in found
    with pytest.raises(UserError, match="there is no direction 0; there are: ball.pca0"):
        found[0]


def test_evaluate_searches_the_plugin_path(model, tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path}"):
        model.evaluate(metrics="FSD", plugin_path=tmp_path)
    with pytest.raises(UserError, match="there is no 'nope'") as raised:
        model.evaluate(metrics="FSD,nope")
    offered = str(raised.value).partition("there are: ")[2].split(", ")
    assert len(offered) == len(set(offered)) > 1
