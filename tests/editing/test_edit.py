"""Edits: what changes, what does not, and what is measured of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import composegan
from composegan.cli import main
from composegan.editing import WITH_AMOUNT
from composegan.editing.edit import compare, edit_codes, paste
from composegan.editing.target import Target
from composegan.errors import UserError
from composegan.model.codes import Codes


@pytest.mark.parametrize("method", ["resample", "copy", "scale", "interpolate"])
def test_methods_change_the_chosen_codes_only(model, method):
    codes, target = model.codes(3), Target(("ball",), "texture")
    after = edit_codes(model, codes, target, method, amount=0.4 if method in WITH_AMOUNT else None)
    assert torch.equal((after.slots != codes.slots).any(dim=2).any(dim=0), target.mask(codes))
    old, new, fresh = (part["ball"].texture for part in (codes, after, model.codes(3, seed=1)))
    wanted = {"resample": fresh, "copy": fresh, "scale": model.mean_code + 0.4 * (old - model.mean_code)}
    torch.testing.assert_close(new, wanted.get(method, old + 0.4 * (fresh - old)))


def test_scale_reaches_the_mean_and_beyond(model):
    codes, target = model.codes(3), Target(("ball",), "texture")
    twice, none, same = (
        edit_codes(model, codes, target, "scale", amount=amount)["ball"].texture for amount in (2.0, 0.0, 1.0)
    )
    torch.testing.assert_close(twice - model.mean_code, 2 * (codes["ball"].texture - model.mean_code))
    torch.testing.assert_close(none, model.mean_code.expand(3, -1))
    torch.testing.assert_close(same, codes["ball"].texture)


def test_add_and_remove_change_which_classes_are_present(model):
    codes = model.codes(2)
    without = edit_codes(model, codes, Target(("ball",)), "remove")
    assert not without["ball"].present.any() and torch.equal(without.slots, codes.slots)
    assert edit_codes(model, without, Target(("ball",)), "add")["ball"].present.all()


def test_figures_of_an_edit_match_its_pictures(model):
    codes = model.codes(4)
    after = edit_codes(model, codes, Target(("ball",)))
    edit, raw = (compare(model, codes, after, ["ball"], composite=composite) for composite in (True, False))
    np.testing.assert_array_equal(edit.before.images, model.draw(codes).images)
    np.testing.assert_array_equal(raw.after.images, model.draw(after).images)
    inside = (edit.before.labels == 1) | (raw.after.labels == 1)
    difference = np.abs(raw.after.images.astype(float) - edit.before.images).mean(axis=3) / 127.5
    np.testing.assert_allclose(edit.difference, difference, atol=1e-6)
    np.testing.assert_allclose(
        edit.leakage, [(d * ~i).sum() / d.sum() for d, i in zip(difference, inside, strict=True)], atol=1e-5
    )
    pooled = sum((d * ~i).sum() for d, i in zip(difference, inside, strict=True)) / difference.sum()
    assert edit.mean_leakage() == pytest.approx(pooled, rel=1e-4)
    assert edit.margin == 1 and 0 < edit.mean_leakage(beyond_margin=True) < pooled
    assert (edit.leakage_beyond_margin <= edit.leakage).all() and "leakage_beyond_margin" in edit.figures()
    assert raw.composited_leakage is None and (edit.composited_leakage <= edit.leakage).all()
    np.testing.assert_array_equal(edit.after.images[inside], raw.after.images[inside])


def test_paste_changes_nothing_far_from_the_region():
    old, new = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    region = torch.zeros(1, 64, 64, dtype=torch.bool)
    region[:, 20:40, 20:40] = True
    pasted = paste(old, new, region)
    assert torch.equal(pasted[:, :, 20:40, 20:40], new[:, :, 20:40, 20:40])
    far = torch.ones(64, 64, dtype=torch.bool)
    far[19:41, 19:41] = False
    assert torch.equal(pasted[0, :, far], old[0, :, far])
    edge = pasted[:, :, 30, 40]  # one pixel outside: a third of the way
    torch.testing.assert_close(edge, old[:, :, 30, 40] * 2 / 3 + new[:, :, 30, 40] / 3)
    everywhere = torch.ones(1, 64, 64, dtype=torch.bool)
    assert torch.equal(paste(old, new, everywhere), old + (new - old))


@pytest.mark.parametrize("method", ["resample", "copy", "scale", "interpolate"])
def test_edit_verb_writes_codes_pictures_and_figures(whole_run, model, tmp_path, capsys, method):
    out = tmp_path / "out"
    assert main(["edit", f"run={whole_run}", "classes=ball", f"method={method}", "n=2", f"out={out}"]) == 0
    assert f"wrote {out}; look at {out / 'sheet.png'}\n" in capsys.readouterr().out
    figures = json.loads((out / "edit.json").read_text())
    assert figures["classes"] == ["ball"] and len(figures["leakage"]["each"]) == 2
    before, after = (Codes.load(out / part, model) for part in ("before", "after"))
    moved = (before.slots != after.slots).any(dim=2).any(dim=0)
    assert torch.equal(moved, before.slots_of(["ball"]))
    other = model.codes(2, seed=1, truncation=0.7)["ball"].shape
    if method == "interpolate":
        torch.testing.assert_close(after["ball"].shape, (before["ball"].shape + other) / 2)
    if method == "copy":
        torch.testing.assert_close(after["ball"].shape, other)
    assert np.asarray(Image.open(out / "difference" / "00001.png")).shape == (16, 16, 3)


def test_edit_verb_pastes_into_the_given_photos(whole_run, model, tmp_path, capsys, error_line):
    photos = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    (tmp_path / "photos").mkdir()
    for name, photo in zip("abc", photos, strict=True):
        Image.fromarray(photo).save(tmp_path / "photos" / f"{name}.png")
    model.codes(3).save(tmp_path / "codes.npz")
    given = ["edit", f"run={whole_run}", f"codes={tmp_path / 'codes.npz'}", f"photos={tmp_path / 'photos'}"]
    assert main([*given, "classes=ball", "pictures=2,0", f"out={tmp_path / 'out'}"]) == 0
    for number, photo in enumerate(photos[[2, 0]]):
        before, after = (np.asarray(Image.open(tmp_path / "out" / p / "images" / f"{number:05d}.png")) for p in PARTS)
        labels = [np.asarray(Image.open(tmp_path / "out" / p / "labels" / f"{number:05d}.png")) for p in PARTS]
        near = np.asarray(Image.fromarray((labels[0] == 1) | (labels[1] == 1)).convert("L"))
        near = np.pad(near, 1)
        near = np.max([near[y : y + 16, x : x + 16] for y in range(3) for x in range(3)], axis=0) > 0
        np.testing.assert_array_equal(before, photo)
        np.testing.assert_array_equal(after[~near], photo[~near])
        assert near.any() and (after[near] != photo[near]).any()
    printed = capsys.readouterr().out
    assert "of the model's change is outside" in printed and "is farther than 1 px away" in printed
    assert error_line(*given, "classes=ball", "base=on").startswith("photos=")
    (tmp_path / "photos" / "c.png").unlink()
    assert "has 2, for 3 pictures" in error_line(*given, "classes=ball")


PARTS = ("before", "after")


@pytest.mark.parametrize(
    ("named", "classes"),
    [
        ("toy", ["ball", "glass"]),
        ("round", ["ball"]),
        ("toy/round", ["ball"]),
        ("toy/flat,ground", ["glass", "ground"]),
        ("glass", ["glass"]),  # a class before a category of the same name
        ("round,ball,toy", ["ball", "glass"]),
    ],
)
def test_category_is_the_set_of_its_classes(model, tmp_path, capsys, named, classes):
    replace(model, categories=("glass", "toy/round", "toy/flat")).save(tmp_path / "m")
    given, out = [f"model={tmp_path / 'm'}", "n=1", f"classes={named}"], tmp_path / "out"
    assert main(["edit", *given, f"out={out / 'edit'}", "force=on"]) == 0
    assert json.loads((out / "edit" / "edit.json").read_text())["classes"] == classes
    assert main(["sample", *given, f"out={out / 'sample'}"]) == 0
    found = Codes.load(out / "sample", model).present[0]
    assert [name for name, there in zip(model.classes, found, strict=True) if there] == sorted(classes, key=model.index)
    assert main(["components", *given, f"out={out / 'parts'}"]) == 0
    assert np.load(out / "parts" / "00000.npz")["names"].tolist() == classes
    loaded = composegan.load(tmp_path / "m")
    assert loaded.categories == ("glass", "toy/round", "toy/flat")
    assert loaded.edit(loaded.codes(1), named, force=True).classes == tuple(classes)


def test_an_edit_of_base_codes_has_no_leakage(whole_run, tmp_path, capsys):
    assert main(["edit", f"run={whole_run}", "classes=", "base=on", "n=1", f"out={tmp_path / 'out'}"]) == 0
    assert "outside" not in capsys.readouterr().out
    assert "leakage" not in json.loads((tmp_path / "out" / "edit.json").read_text())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("edit classes=bal", "classes=bal: there is no 'bal'; did you mean 'ball'?"),
        ("edit classes=ball,tyo", "classes=ball,tyo: there is no 'tyo'; there are: ball, glass, ground"),
        ("edit classes=", "classes=: name at least one class, or all"),
        ("edit method=resampl", "method=resampl: did you mean 'resample'?"),
        ("edit part=colour", "part=colour: there are: both, shape, texture"),
        ("edit amount=0.5", "amount=0.5: is for method=scale and method=interpolate, not for method=resample"),
        ("edit method=copy amount=0.2", "amount=0.2: is for method=scale and method=interpolate, not for method=copy"),
        ("edit method=scale other=x", "other=x: is for method=copy and method=interpolate, not for method=scale"),
        ("edit codes=FILE n=5", "n=5: there are 3 pictures in the codes; leave n out"),
        ("sample codes=FILE n=6", "n=6: there are 3 pictures in the codes; leave n out"),
        ("sample pictures=0,2 n=1", "n=1: there are 2 pictures in the codes; leave n out"),
        ("mix codes=FILE n=9", "n=9: there are 3 pictures in the codes; leave n out"),
        ("mix column_codes=FILE columns=9", "columns=9: there are 3 pictures in the codes; leave columns out"),
        ("components codes=FILE n=4", "n=4: there are 3 pictures in the codes; leave n out"),
        ("interpolate codes=FILE n=4 size=16", "n=4: there are 3 pictures in the codes; leave n out"),
        ("edit codes=none.npz", "codes=none.npz: does not exist; `composegan sample` writes a codes.npz"),
        ("edit n=2 method=copy other=FILE other_pictures=0-2", "other has 3 pictures for 2; select 1 or 2 of them"),
        ("interpolate out=/none/a.mp4", "out=/none/a.mp4: folder /none does not exist; create it first"),
        ("interpolate out=a.avi", "out=a.avi: must end in .mp4 or .gif"),
        ("interpolate n=1", "n=1: must be 2 to 1,000,000"),
        ("interpolate pictures=3", "a loop needs at least 2 pictures; name more with pictures="),
        ("components classes=moon", "classes=moon: there is no 'moon'; there are: ball, glass, ground"),
    ],
)
def test_a_mistake_is_one_line(whole_run, model, tmp_path, error_line, line, said):
    file = model.codes(3).save(tmp_path / "codes.npz")
    assert error_line(*line.replace("FILE", str(file)).split(), f"run={whole_run}") == said


def test_an_edit_of_all_classes_reports_no_leakage(whole_run, tmp_path, capsys):
    assert main(["edit", f"run={whole_run}", "n=1", f"out={tmp_path / 'all'}"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "all classes were edited, so no change is outside them; classes= names fewer"
    ]


def test_codes_of_a_folder_of_edits_are_named(whole_run, model, tmp_path, error_line):
    model.edit(model.codes(2), "ball", force=True).save(tmp_path / "e")
    said = f"codes={tmp_path}/e/codes.npz: does not exist; use codes={tmp_path}/e/after or codes={tmp_path}/e/before"
    assert error_line("edit", f"run={whole_run}", f"codes={tmp_path / 'e'}") == said
    with pytest.raises(UserError) as error:
        Codes.load(tmp_path / "e", model)
    assert str(error.value) == said


@pytest.mark.parametrize("classes", ["", " ", [], [""]])
def test_no_class_is_refused_with_the_classes_of_the_model(model, classes):
    with pytest.raises(UserError, match="^classes: name at least one; there are: ground, ball, glass$"):
        model.edit(model.codes(1), classes)


def test_arguments_that_a_method_does_not_use_are_refused(model):
    codes = model.codes(2)
    for given in ({"amount": 0.2}, {"other": codes}, {"method": "copy", "amount": 0.5}):
        with pytest.raises(UserError, match="is for method=.*not for method="):
            model.edit(codes, "ball", **given)
