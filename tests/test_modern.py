"""`model.family=modern` in every verb, its layers, and what cannot be mixed with it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

import composegan
from composegan.cli import main

MODERN = (
    "model.family=modern", "model.family.modern.shapes=0", "training.loss=modern", "training.loss.modern.warmup=4",
    "training.loss.modern.locality_every=2",
)  # fmt: skip
"""Two steps of repainting, then every phase within two steps."""


@pytest.fixture(scope="module")
def modern_run(fit_in, tmp_path_factory):
    """A finished run of 24 images. Read-only."""
    return fit_in(tmp_path_factory.mktemp("modern"), *MODERN)


@pytest.fixture(scope="module")
def modern(modern_run):
    return composegan.load(modern_run)


VERBS = {
    "sample": ["n=2"],
    **{f"edit {how}": ["n=2", "classes=ball", f"method={how}"] for how in ("resample", "copy", "interpolate", "scale")},
    "edit remove": ["n=2", "classes=ball", "method=remove"],
    "mix": ["classes=ball", "part=texture"],
    "interpolate": ["n=2", "frames=2"],
    "directions pca": ["classes=ball", "method=pca", "n=20", "count=1"],
    "directions sefa": ["classes=ball", "part=texture", "method=sefa", "count=1"],
    "components": ["n=1"],
    "components layers": ["n=1", "layers=on"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_verb_takes_modern_model(modern_run, tmp_path, verb):
    out = tmp_path / {"interpolate": "loop.gif", "mix": "grid.png"}.get(verb, "out")
    assert main([verb.split()[0], f"run={modern_run}", f"out={out}", *VERBS[verb]]) == 0
    assert out.exists()


def test_invert_and_evaluate_take_modern_model(modern_run, shapes, tmp_path):
    photo = tmp_path / "photo.png"
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(photo)
    settings = ["steps=2", "tune_steps=2", "recipe=small"]
    assert main(["invert", f"run={modern_run}", f"photos={photo}", f"out={tmp_path / 'out'}", *settings]) == 0
    given = [*shapes, "n=4", "metrics=sliced_wasserstein", f"out={tmp_path / 'report'}"]
    assert main(["evaluate", f"run={modern_run}", *given]) == 0


def test_saved_modern_model_draws_the_same(modern, tmp_path):
    again = composegan.load(modern.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.sample(2).images, modern.sample(2).images)


@pytest.mark.parametrize("number", range(3))
def test_layers_laid_over_one_another_are_the_picture_within_one_grey_level(modern, number):
    codes = modern.codes(3, seed=5)[number]
    layers = modern.layers(codes)
    assert set(layers.classes) == {name for name in modern.classes if codes[name].present.all()}
    whole = modern.draw(codes).images[0].astype(int)
    assert np.abs(layers.flattened().astype(int) - whole).max() <= 1
    laid = Image.new("RGBA", layers[layers.classes[0]].size)
    for name in layers.classes:
        laid.alpha_composite(layers[name])
    assert np.abs(np.asarray(laid)[..., :3].astype(int) - whole).max() <= 1


def test_saved_layers_are_listed_in_order(modern, tmp_path):
    layers = modern.layers(modern.codes(1))
    folder = layers.save(tmp_path / "layers")
    listed = json.loads((folder / "layers.json").read_text())["00000"]
    assert [entry["class"] for entry in listed] == list(layers.classes)
    for entry in listed:
        np.testing.assert_array_equal(np.asarray(Image.open(folder / entry["file"])), layers[entry["class"]])
    layers.save(folder, 1)
    assert len(json.loads((folder / "layers.json").read_text())) == 2


def test_grouped_modern_model_splits_and_resumes(fit, resume, assert_same_run):
    """grouping=progressive: both parts of the generator split, in training and when a checkpoint is loaded."""
    settings = [*MODERN, "model.family.modern.shapes=2"]  # in the mirror, too: data.flip is on
    settings += ["grouping=progressive:3", "training.split_every=8", "training.images=24"]
    whole = fit(*settings)
    model = composegan.load(whole)
    assert model.generator.local.group_of == model.generator.texture.group_of
    assert len(set(model.generator.texture.group_of)) == 3
    assert model.generator.texture.color_weight.shape[0] == 3
    short = fit(*settings, "training.images=16")
    assert_same_run(resume(short, "training.images=24"), whole, extended=True)


@pytest.mark.parametrize("source", ["run", "model"])
def test_modern_model_adapts_to_pictures_without_masks(modern_run, shapes, tmp_path, as_before, source):
    given = [f"data.root={shapes[1].split('=')[1]}/images", "data.workers=0", "trainer.threads=1", "training.batch=2"]
    given += [f"run={modern_run}", "freeze=none"] if source == "run" else [f"model={modern_run / 'model'}", shapes[0]]
    with as_before():
        assert main(["adapt", *given, "training.images=4", f"output.root={tmp_path}"]) == 0


def test_plan_counts_modern_model(shapes, tiny, capsys):
    assert main(["plan", *shapes, "recipe=quick", *tiny, *MODERN]) == 0
    assert "per_class" in capsys.readouterr().out


MISTAKES = {
    "loss of this family with another": (
        ["model.family=paper", "training.loss=modern"],
        "repaints real pictures, which model.family=paper cannot; set training.loss=paper",
    ),
    "settings of one family with another": (
        ["model.family.modern.foremost=3"],
        "model.family.modern.foremost: model.family does not name that network family",
    ),
    "settings without the family's name": (["model.family.foremost=3"], "model.family.foremost"),
    "unknown setting": ([*MODERN, "model.family.modern.formost=3"], "did you mean 'model.family.modern.foremost'?"),
    "out of range": ([*MODERN, "model.family.modern.foremost=0"], "model.family.modern.foremost"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_wrong_family_settings_are_one_line(error_line, recipe, tmp_path, mistake):
    given, said = MISTAKES[mistake]
    assert said in error_line("fit", *recipe, f"output.root={tmp_path}", *given)


@pytest.mark.parametrize("family", ["paper", "modern"])
def test_model_of_one_family_labelled_as_another_is_refused(error_line, modern, model, tmp_path, family):
    """A config.json that was edited."""
    folder = (modern if family == "paper" else model).save(tmp_path / "model")
    facts = json.loads((folder / "config.json").read_text())
    facts["family"] = family
    (folder / "config.json").write_text(json.dumps(facts))
    line = error_line("sample", f"model={folder}", f"out={tmp_path / 'out'}")
    assert line.startswith(str(folder / "config.json")) and family in line


def test_codes_of_another_family_are_refused(error_line, modern_run, whole_run, tmp_path):
    assert main(["sample", f"run={modern_run}", "n=1", f"out={tmp_path / 'codes'}"]) == 0
    given = [f"codes={tmp_path / 'codes' / 'codes.npz'}", f"out={tmp_path / 'out'}"]
    assert "from another model" in error_line("components", f"run={whole_run}", *given)
    path = tmp_path / "codes" / "codes.npz"
    content = dict(np.load(path))
    np.savez(path, **{**content, "slots": content["slots"][:, :-1]})
    assert "slots" in error_line("components", f"run={modern_run}", *given)


def test_layers_of_paper_model_are_refused(error_line, whole_run, tmp_path, model):
    line = error_line("components", f"run={whole_run}", "layers=on", f"out={tmp_path / 'out'}")
    assert line.startswith("model.family=paper: its pictures have no layers") and "cut-outs" in line
    assert not (tmp_path / "out").exists()


def test_layers_write_over_nothing(error_line, modern_run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("")
    given = ["components", f"run={modern_run}", "layers=on", "n=1", f"out={tmp_path / 'out'}"]
    assert "exists" in error_line(*given)
    assert main([*given, "overwrite=on"]) == 0
    assert "leave classes out" in error_line(*given, "classes=ball")


def test_bfloat16_modern_networks_stay_close_and_learn(modern):
    generator = modern.generator
    codes = modern.codes(2)
    exact = modern.synthesize(codes)
    with torch.autocast("cpu", torch.bfloat16):
        rough = modern.synthesize(codes)
    assert rough.image.dtype == rough.coarse.dtype == torch.float32
    assert (rough.image - exact.image).abs().mean() < 0.02
    assert (rough.mask.labels() == exact.mask.labels()).float().mean() > 0.95
    assert generator is modern.generator


def test_bfloat16_training(fit):
    model = composegan.load(fit(*MODERN, "training.precision=bf16", "training.images=8"))
    assert all(weight.isfinite().all() for weight in model.generator.parameters())
