"""An edit is a document: what it writes, what continues from it, and what is never written over."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import composegan
from composegan.cli import main
from composegan.model.codes import Codes
from composegan.model.sample import Samples


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pictures(folder):
    return np.stack([np.asarray(Image.open(path)) for path in sorted((folder / "images").iterdir())])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def edited(whole_run, here, capsys):
    """(settings...) -> what the edit verb printed."""

    def edited(*settings):
        assert main(["edit", f"run={whole_run}", *settings]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return edited


def test_record_has_command_settings_and_model(edited, model, whole_run):
    edited("classes=ball", "part=texture", "other_seed=3", "n=2", "seed=5", "out=one")
    record = json.loads(Path("one/edit.json").read_text())
    assert record["model"] == model.weights and record["space"] == model.space
    assert record["folder"] == str(whole_run) and record["composegan"] == composegan.__version__
    assert record["settings"]["seed"] == 5 and record["settings"]["other_seed"] == 3
    again = shlex.split(record["command"])
    assert again[:2] == ["composegan", "edit"] and {"classes=ball", "seed=5", "out=one"} < set(again)
    before = contents(Path("one"))
    Path("one").rename("first")
    assert main(again[1:]) == 0
    assert contents(Path("one")) == before


@pytest.mark.parametrize("codes", ["one/after", "one/after/codes.npz"])
@pytest.mark.parametrize(
    "settings", [["classes=glass"], ["classes=ground", "part=texture"], ["classes=ball", "part=shape"]]
)
def test_chained_edit_continues_from_the_picture_that_was_shown(edited, model, codes, settings):
    """Outside the region of the second edit, pixels and labels stay those of the first."""
    edited("classes=ball", "other_seed=3", "n=3", "out=one")
    edited(f"codes={codes}", *settings, "other_seed=7", "pictures=2,0", "out=two", "force=on")
    kept, second = (Samples.load(folder, model) for folder in ("one/after", "two/before"))
    np.testing.assert_array_equal(second.images, kept.images[[2, 0]])
    np.testing.assert_array_equal(second.labels, kept.labels[[2, 0]])
    after = Samples.load("two/after", model)
    k = model.index(settings[0].partition("=")[2])
    region = (second.labels == k) | (model.draw(after.codes).labels == k)
    grown = np.pad(region, ((0, 0), (1, 1), (1, 1)))
    near = np.max([grown[:, y : y + 16, x : x + 16] for y in range(3) for x in range(3)], axis=0)
    np.testing.assert_array_equal(after.images[~near], second.images[~near])
    np.testing.assert_array_equal(after.labels[~region], second.labels[~region])
    assert not np.array_equal(model.draw(kept.codes).images, kept.images)  # the first edit was pasted


def test_chained_edit_keeps_the_photo(edited, here, model):
    photos = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    Path("photos").mkdir()
    for number, photo in enumerate(photos):
        Image.fromarray(photo).save(here / "photos" / f"{number}.png")
    model.codes(2).save("codes.npz")
    edited("codes=codes.npz", "photos=photos", "classes=ball", "out=one", "n=2")
    edited("codes=one/after", "classes=glass", "out=two", "force=on")
    np.testing.assert_array_equal(pictures(Path("one/before")), photos)
    np.testing.assert_array_equal(pictures(Path("two/before")), pictures(Path("one/after")))


def test_python_continues_from_an_edit_as_the_command_line_does(edited, model):
    first = model.edit(model.codes(2), "ball", seed=3)
    edited("classes=ball", "other_seed=3", "n=2", "out=one")
    edited("codes=one/after", "classes=ground", "other_seed=7", "out=two")
    for before in (first.after, Samples.load("one/after", model)):
        np.testing.assert_array_equal(model.edit(before, "ground", seed=7).after.images, pictures(Path("two/after")))
    one = model.edit(first.after[1], "ground", force=True)
    np.testing.assert_array_equal(one.before.images, first.after.images[1:])
    drawn = model.edit(first.after.codes, "ground", seed=7)  # codes alone are drawn
    np.testing.assert_array_equal(drawn.before.images, model.draw(first.after.codes).images)


def test_pasted_pictures_of_another_model_are_refused(edited, adapted, error_line, tmp_path):
    edited("classes=ball", "n=2", "out=one")
    adapted.save(tmp_path / "other")
    line = error_line("edit", "model=other", "codes=one/after", "classes=ball")
    assert line.startswith("codes: pictures of an edit by another model (weights ") and "composite=off" in line
    assert (
        main(["edit", "model=other", "codes=one/after", "classes=ball", "composite=off", "other_seed=5", "out=off"])
        == 0
    )
    line = error_line("edit", "model=other", "codes=one/after", "classes=ball", "photos=one/after/images")
    assert line.startswith("photos=one/after/images: the edit in codes=one/after was pasted already")


def test_other_verbs_say_that_they_draw_the_codes_of_an_edit_anew(edited, whole_run, capsys):
    edited("classes=ball", "n=2", "out=one")
    assert main(["sample", f"run={whole_run}", "codes=one/after", "out=drawn"]) == 0
    assert capsys.readouterr().out.startswith("codes=one/after: drawn anew; the pictures that the edit was pasted into")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "images" / "00001.png").unlink(), "00001.png: does not exist"),
        (lambda folder: (folder / "images" / "00000.png").write_bytes(b"x"), "00000.png: is damaged or not a picture"),
        (lambda folder: Image.new("RGB", (4, 4)).save(folder / "images" / "00000.png"), "RGB 4x4, not RGB 16x16"),
        (
            lambda folder: Image.new("L", (16, 16), 9).save(folder / "labels" / "00000.png"),
            "9 is not the number of a class",
        ),
    ],
)
def test_damaged_pictures_of_an_edit_are_named(edited, error_line, whole_run, damage, said):
    edited("classes=ball", "n=2", "out=one")
    damage(Path("one/after"))
    assert said in error_line("edit", f"run={whole_run}", "codes=one/after", "classes=ball")


VERBS = {
    "edit": ["classes=ball", "n=2"],
    "sample": ["n=2"],
    "mix": ["classes=ball", "n=2", "columns=2"],
    "components": ["n=1"],
    "interpolate": ["n=2", "frames=2", "size=16"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_written_over_nor_into_the_model(verb, whole_run, here, capsys, error_line):
    given = [verb, f"model={whole_run}", *VERBS[verb]]
    own = contents(whole_run)
    for _ in range(3):
        assert main(given) == 0, capsys.readouterr().err
    names = sorted(path.stem for path in (here / "results").iterdir() if path.suffix != ".gif")
    assert len(names) == 3 and [name.removeprefix(names[0]) for name in names] == ["", "-2", "-3"]
    made = contents(here / "results")
    assert contents(whole_run) == own

    out = f"out={next(path for path in (here / 'results').iterdir() if path.suffix != '.gif')}"
    assert error_line(*given, out) == f"{out}: exists; choose another one, or write over it with overwrite=on"
    assert contents(here / "results") == made
    assert main([*given, "seed=9", out, "overwrite=on"]) == 0
    assert contents(here / "results") != made


@pytest.mark.parametrize("out", ["x" * 300, "/proc/none/x", "/dev/null/x", "file/x"])
def test_folder_that_cannot_be_written_is_one_line(whole_run, here, error_line, out):
    Path("file").touch()
    assert "cannot be written" in error_line("edit", f"run={whole_run}", "classes=ball", "n=1", f"out={out}")


def test_overwrite_leaves_no_pictures_of_a_larger_edit(edited, model):
    edited("classes=ball", "n=4", "out=one")
    edited("classes=ball", "n=2", "out=one", "overwrite=on")
    assert len(list(Path("one/difference").iterdir())) == 2 == len(pictures(Path("one/before")))
    assert len(Codes.load("one/after", model)) == 2 == len(Samples.load("one/after", model))


def test_interrupted_edit_leaves_nothing(whole_run, here, monkeypatch, error_line):
    def full(*arguments):
        raise OSError(28, "full")

    monkeypatch.setattr("composegan.editing.edit.Edit.sheet", full)
    assert "no space left" in error_line("edit", f"run={whole_run}", "classes=ball", "n=2", "out=one")
    assert [path.name for path in here.iterdir()] == []
