"""Codes of photos bring the weights that were tuned to each: in every verb, in every call, through files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import composegan
from composegan.cli import main
from composegan.editing.interpolation import loop
from composegan.editing.target import Target
from composegan.errors import UserError
from composegan.model.codes import Codes
from composegan.model.delta import Delta

SETTINGS = {"steps": 3, "tune_steps": 3, "tune_rate": 0.03, "size": 32, "lpips": "off", "perceptual": 0.0}


@pytest.fixture(scope="module")
def inverted(model):
    """Three photos, whose tuned pictures differ from those of their codes."""
    result = model.invert(list(model.sample(3, seed=4).images), **SETTINGS)
    assert (result.draw().images != model.draw(result.codes.untuned()).images).mean() > 0.2
    return result


@pytest.fixture
def folder(whole_run, model, tmp_path, monkeypatch):
    """photos/ inverted into inverted/ by the verb; the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number, image in enumerate(model.sample(3, seed=4).images):
        Image.fromarray(image).save(tmp_path / "photos" / f"{number}.png")
    given = [f"{key}={value}" for key, value in SETTINGS.items()]
    assert main(["invert", f"run={whole_run}", "photos=photos", "out=inverted", *given]) == 0
    return tmp_path


def reconstructions(folder):
    return np.stack([np.asarray(Image.open(folder / "inverted" / f"{i}" / "reconstruction.png")) for i in range(3)])


def images(folder):
    return np.stack([np.asarray(Image.open(path)) for path in sorted(Path(folder, "images").iterdir())])


def test_pictures_are_drawn_by_their_own_weights(model, inverted):
    own = inverted.draw().images
    np.testing.assert_array_equal(model.draw(inverted.codes, batch=2).images, own)
    np.testing.assert_array_equal(model.draw(inverted.codes[[2, 0]]).images, own[[2, 0]])
    np.testing.assert_array_equal(model.draw(inverted.codes[1].clone().repeat(2)).images, own[[1, 1]])
    np.testing.assert_array_equal(inverted.tuned(1).draw(inverted.codes[1]).images, own[1:2])
    both = composegan.concat([model.codes(1), inverted.codes[:1]])
    np.testing.assert_array_equal(model.draw(both).images[1:], own[:1])
    np.testing.assert_array_equal(model.draw(both).images[:1], model.sample(1).images)
    np.testing.assert_array_equal(model.draw(inverted.tuned(0).draw(model.codes(1)).codes).images,
                                  inverted.tuned(0).sample(1).images)  # fmt: skip


def test_edits_mixtures_and_videos_use_them(model, inverted, tmp_path):
    own = inverted.draw().images
    np.testing.assert_array_equal(model.edit(inverted.codes, "ball").before.images, own)
    mixed = model.mix(inverted.codes[:2], model.codes(2), "ball")
    np.testing.assert_array_equal(mixed.rows.images, own[:2])
    np.testing.assert_array_equal(mixed.columns.images, model.sample(2).images)
    moved = inverted.codes[1].clone()
    moved["ball"] = model.codes(1)["ball"]
    np.testing.assert_array_equal(mixed.mixed.images[2:3], inverted.tuned(1).draw(moved.untuned()).images)
    np.testing.assert_array_equal(model.components(inverted.codes[0]).steps.images[-1], own[0])
    everything = Target(model.classes, base=True)
    frames = model.draw(loop(inverted.codes, everything, 4)).images
    np.testing.assert_array_equal(frames[::4], own)
    halfway = Delta.between_two(*inverted.deltas[:2], 0.5)
    np.testing.assert_array_equal(
        frames[2], model.with_delta(halfway).draw(loop(inverted.codes.untuned(), everything, 4)[2]).images[0]
    )
    some = loop(inverted.codes, Target(("ball",)), 2)
    np.testing.assert_array_equal(model.draw(some).images[0], own[0])
    assert set(some.tuned) == {inverted.deltas[0]}


def test_files_of_codes_keep_them(model, inverted, tmp_path):
    own = inverted.draw().images
    inverted.codes.save(tmp_path / "a" / "photos.npz")
    inverted.save(tmp_path / "b")
    model.mix(inverted.codes, inverted.codes, "ball").save(tmp_path / "c")
    for file in ("a/photos.npz", "b", "c/rows"):
        np.testing.assert_array_equal(model.draw(Codes.load(tmp_path / file, model)).images, own)
    (tmp_path / "a").rename(tmp_path / "moved")
    np.testing.assert_array_equal(model.draw(Codes.load(tmp_path / "moved" / "photos.npz", model)).images, own)
    next((tmp_path / "moved").glob("*.delta.safetensors")).unlink()
    with pytest.raises(UserError, match="weights tuned to picture ., .*, are missing; put them back"):
        Codes.load(tmp_path / "moved" / "photos.npz", model)


def test_verbs_draw_each_photo_by_its_weights(folder, whole_run, capsys):
    wanted, run = reconstructions(folder), f"run={whole_run}"
    assert main(["sample", run, "codes=inverted", "out=drawn"]) == 0
    np.testing.assert_array_equal(images("drawn"), wanted)
    assert main(["sample", run, "codes=inverted/1", "delta=inverted/1", "out=one"]) == 0
    np.testing.assert_array_equal(images("one"), wanted[1:2])
    assert main(["edit", run, "codes=inverted", "pictures=2,0", "classes=ball", "out=edited"]) == 0
    np.testing.assert_array_equal(images("edited/before"), wanted[[2, 0]])
    assert main(["edit", run, "codes=edited/after", "classes=ground", "out=again", "force=on"]) == 0
    np.testing.assert_array_equal(images("again/before"), images("edited/after"))
    given = ["column_codes=inverted", "columns=3", "n=3", "classes=ball", "out=mixed.png"]
    assert main(["mix", run, "codes=inverted", *given]) == 0
    sheet = np.asarray(Image.open("mixed.png"))[::6, ::6]
    for i in range(3):
        np.testing.assert_array_equal(sheet[:16, 16 * (i + 1) : 16 * (i + 2)], wanted[i])
        np.testing.assert_array_equal(sheet[16 * (i + 1) : 16 * (i + 2), :16], wanted[i])
    assert main(["interpolate", run, "codes=inverted", "n=3", "frames=2", "size=16", "masks=off", "out=loop.gif"]) == 0
    frames = Image.open("loop.gif")
    for i in range(3):
        frames.seek(2 * i)
        assert np.abs(np.asarray(frames.convert("RGB")).astype(int) - wanted[i]).mean() < 6  # 256 colours


def test_weights_that_do_not_fit_are_refused_or_left_out(
    folder, whole_run, model, adapted, inverted, error_line, capsys
):
    line = error_line("sample", f"run={whole_run}", "codes=inverted", "delta=inverted/1", "out=x")
    assert line.startswith("codes: their weights are tuned to another photo than the model's")
    with pytest.raises(UserError, match="tuned from another model; leave them out by codes.untuned()"):
        adapted.draw(inverted.codes)
    adapted.save(folder / "other")
    assert main(["sample", "model=other", "codes=inverted", "out=y"]) == 0
    assert "the weights tuned to its pictures are another model's and are left out" in capsys.readouterr().out
    np.testing.assert_array_equal(images("y"), adapted.draw(Codes.load("inverted", model).untuned()).images)
    with pytest.raises(UserError, match="each picture has weights of its own"):
        model.synthesize(inverted.codes)
