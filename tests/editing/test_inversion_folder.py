"""What `composegan invert` writes, and how it resumes."""

from __future__ import annotations

import json
import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from composegan.cli import main
from composegan.config.inversion import InversionConfig
from composegan.data.photos import PhotoFiles
from composegan.editing import inversion_folder
from composegan.editing.inversion_folder import invert_files
from composegan.errors import UserError
from composegan.losses.perceptual import perceptual_distance
from composegan.model.codes import Codes
from composegan.plugin.domain import DomainSpec, SemanticClass

QUICK = ["steps=6", "tune_steps=3", "size=32", "lpips=off"]


@pytest.fixture(scope="module")
def photos(model, tmp_path_factory):
    """photos/ of three pictures of the model, masks/ of two of them."""
    home, samples = tmp_path_factory.mktemp("photos"), model.sample(3, seed=4)
    for part in ("photos", "masks"):
        (home / part).mkdir()
    for number, name in enumerate(("anna", "bert", "carl")):
        Image.fromarray(samples.images[number]).resize((40, 40)).save(home / "photos" / f"{name}.png")
        if name != "carl":
            Image.fromarray(samples.labels[number]).save(home / "masks" / f"{name}.png")
    return home


@pytest.fixture(scope="module")
def run(model, photos):
    """(out, batch, settings) -> as the verb does."""
    classes = tuple(SemanticClass(*item) for item in zip(model.classes, model.colors, strict=True))
    files = PhotoFiles.find(photos / "photos", photos / "masks", DomainSpec("shapes", classes), 16, 16)

    def run(out, batch=2, overwrite=False, **settings):
        how = InversionConfig(**{"steps": 4, "tune_steps": 2, "size": 32, "perceptual": 0.0, **settings}).resolve(16)
        return invert_files(
            model, files, out, how, perceptual_distance("off", 32), batch, progress="", overwrite=overwrite
        )

    return run


@pytest.fixture(scope="module")
def finished(run, tmp_path_factory):
    """(batch) -> the folder of an inversion of all photos. Read-only."""
    folders = {}

    def finished(batch):
        if batch not in folders:
            folders[batch] = tmp_path_factory.mktemp("finished")
            run(folders[batch], batch=batch)
        return folders[batch]

    return finished


def contents(folder):
    """Every file's content, but for the seconds that it took."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".json":
            content = json.loads(content)
            for one in (content, *content.get("each", ())):
                one.pop("seconds", None)
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                content = {name: arrays[name].tobytes() for name in arrays}
        found[str(path.relative_to(folder))] = content
    return found


@pytest.fixture(scope="module")
def made(model, photos, tmp_path_factory):
    """What the verb writes, and what it says."""
    import contextlib
    import io

    out, said = tmp_path_factory.mktemp("made") / "out", io.StringIO()
    composegan_model = tmp_path_factory.mktemp("model")
    from composegan.model.model_files import save

    save(composegan_model, model)
    with contextlib.redirect_stdout(said):
        masks = f"masks={photos / 'masks'}"
        arguments = [f"model={composegan_model}", f"photos={photos / 'photos'}", masks, f"out={out}", "batch=2", *QUICK]
        assert main(["invert", *arguments]) == 0
    return composegan_model, out, said.getvalue()


def test_invert_verb_writes_a_folder_per_photo(made):
    _, out, said = made
    first, *middle, last = said.splitlines()
    assert first == "3 photos, 2 with a mask; perceptual distance: EfficientNet-Lite0 at 32 pixels"
    assert last == f"wrote {out}; look at {out / 'sheet.png'}"
    assert all("like the pictures of the model: " in line for line in middle[:3])
    assert [line.split()[0] for line in middle[3:]] == ["w+", "tuned"]
    names = [
        "photo.png",
        "from_codes.png",
        "reconstruction.png",
        "mask.png",
        "labels.png",
        "codes.npz",
        "delta.safetensors",
    ]
    together = ["sheet.png", "inversion.json"]
    each = [f"{name}/{file}" for name in ("anna", "bert", "carl") for file in (*names, *together)]
    assert sorted(contents(out)) == sorted([*each, *together, "codes.npz"])


def test_written_files_agree_with_each_other(made, model):
    _, out, _ = made
    codes = Codes.load(out, model)
    assert len(codes) == 3
    figures = json.loads((out / "inversion.json").read_text())
    for number, name in enumerate(("anna", "bert", "carl")):
        drawn = model.with_delta(out / name).draw(Codes.load(out / name, model))
        np.testing.assert_array_equal(np.asarray(Image.open(out / name / "reconstruction.png")), drawn.images[0])
        np.testing.assert_array_equal(np.asarray(Image.open(out / name / "labels.png")), drawn.labels[0])
        untuned = model.draw(drawn.codes.untuned()).images[0]
        np.testing.assert_array_equal(np.asarray(Image.open(out / name / "from_codes.png")), untuned)
        np.testing.assert_array_equal(codes.slots[number], drawn.codes.slots[0])
        one = json.loads((out / name / "inversion.json").read_text())
        assert one == figures["each"][number] and one["finished"] and one["perceptual"] == "EfficientNet-Lite0"
        assert ("mask_iou" in one["tuned"]) == (name != "carl")
        assert one["settings"]["steps"] == 6 and set(one["seconds"]) == {"search", "tuning"}
        assert one["delta_bytes"] == (out / name / "delta.safetensors").stat().st_size
    assert figures["mean"]["tuned"]["mse"] == pytest.approx(np.mean([one["tuned"]["mse"] for one in figures["each"]]))


def test_finished_photos_are_skipped(run, tmp_path, monkeypatch, capsys):
    run(tmp_path)
    assert "skipped" not in capsys.readouterr().out
    before = contents(tmp_path)
    monkeypatch.setattr(inversion_folder, "search", None)
    monkeypatch.setattr(inversion_folder, "tune", None)
    run(tmp_path)
    assert contents(tmp_path) == before
    out, error = capsys.readouterr()
    assert re.fullmatch(f"{tmp_path}: (\\d+) of \\1 photos are inverted already and skipped\n", out)
    assert "0/0" not in error
    with pytest.raises(UserError, match="has anna inverted from another photo or with other settings; .*overwrite=on"):
        run(tmp_path, steps=3)
    with pytest.raises(TypeError):
        run(tmp_path, steps=3, overwrite=True)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("where", "call"),
    [("search", 1), ("search", 2), ("tune", 1), ("tune", 2), *(("write_json", call) for call in range(1, 8))],
)
def test_a_resumed_inversion_is_the_same(run, finished, tmp_path, monkeypatch, where, call):
    """A batch's search, a photo's tuning, or the writing of one photo's results is interrupted."""
    calls, original = [], getattr(inversion_folder, where)

    def stop(*arguments, **more):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(*arguments, **more)

    monkeypatch.setattr(inversion_folder, where, stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "again")
    assert not (tmp_path / "again" / "inversion.json").exists()
    run(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(finished(batch=2))


@pytest.fixture
def carl(photos):
    """The file of a photo that a test may change."""
    file = photos / "photos" / "carl.png"
    content = file.read_bytes()
    yield file
    file.write_bytes(content)


def test_a_changed_photo_is_inverted_again(run, tmp_path, carl):
    run(tmp_path, tune_steps=0)
    before = contents(tmp_path)
    Image.new("RGB", (16, 16), "red").save(carl)
    with pytest.raises(UserError, match="has carl inverted from another photo"):
        run(tmp_path, tune_steps=0)
    run(tmp_path, tune_steps=0, overwrite=True)
    after = contents(tmp_path)
    changed = {name.partition("/")[0] for name in before if before[name] != after[name]}
    assert changed == {"carl", "codes.npz", "sheet.png", "inversion.json"}
    assert not (tmp_path / "anna" / "delta.safetensors").exists()


def test_without_tuning_old_tuned_weights_are_removed(run, tmp_path):
    run(tmp_path)
    means = run(tmp_path, tune_steps=0, overwrite=True)
    assert list(means) == ["w+"] and not list(tmp_path.rglob("delta.safetensors"))


@pytest.mark.parametrize(
    "name", ["...jpg", "..jpg", "....png", ". .png", "inversion.json.png", "codes.npz.jpg", "Sheet.PNG.png"]
)
def test_photo_name_that_cannot_be_a_folder_is_refused(made, tmp_path, error_line, name):
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (16, 16)).save(tmp_path / "photos" / name, "PNG" if name.endswith("png") else "JPEG")
    for photos in (tmp_path / "photos" / name, tmp_path / "photos"):
        line = error_line("invert", f"model={made[0]}", f"photos={photos}", f"out={tmp_path / 'a' / 'b'}", *QUICK)
        assert (line.startswith("photos") and "rename it" in line) or "there are no images in it" in line
        assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


def replaced(path, make):
    path.unlink()
    make(path)


def with_figures(**changes):
    return lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("file", "spoil"),
    [
        ("inversion.json", lambda path: replaced(path, os.mkfifo)),
        ("inversion.json", lambda path: path.write_text("[")),
        ("inversion.json", with_figures(seconds=None)),
        ("inversion.json", with_figures(finished="yes")),
        ("inversion.json", with_figures(**{"w+": [1]})),
        ("inversion.json", with_figures(tuned={"mse": "x"})),
        ("codes.npz", lambda path: replaced(path, os.mkfifo)),
        ("codes.npz", lambda path: np.savez_compressed(path, slots=np.zeros(2**26))),
        ("codes.npz", lambda path: path.write_bytes(b"garbage")),
        ("photo.png", lambda path: replaced(path, os.mkfifo)),
        ("mask.png", lambda path: path.unlink()),
        ("reconstruction.png", lambda path: replaced(path, lambda path: path.symlink_to("/dev/zero"))),
    ],
)
def test_spoiled_result_is_made_again(run, finished, tmp_path, file, spoil):
    shutil.copytree(finished(batch=1), tmp_path, dirs_exist_ok=True)
    before = contents(tmp_path)
    spoil(tmp_path / "bert" / file)
    searched = file in ("inversion.json", "codes.npz")
    if searched:
        with pytest.raises(UserError, match="has bert inverted from another photo or with other settings"):
            run(tmp_path, batch=1)
    run(tmp_path, batch=1, overwrite=searched)
    assert contents(tmp_path) == before


def test_mistakes_are_one_line(made, photos, tmp_path, error_line, full_disk):
    folder, out, _ = made
    model, pictures = f"model={folder}", f"photos={photos / 'photos'}"
    assert error_line("invert", model) == "photos=: missing; write photos=FILE or photos=FOLDER"
    assert error_line("invert", model, "photos=none").startswith("photos=none: no such file")
    assert error_line("invert", model, pictures, "batch=0") == "batch=0: must be 1 to 1,000,000"
    assert error_line("invert", model, pictures, "recipe=smal") == "recipe=smal: did you mean 'small'?"
    assert error_line("invert", model, pictures, "lpips=none.pth").startswith("lpips=none.pth: does not exist")
    assert error_line("invert", model, pictures, f"delta={out / 'anna'}").startswith(
        "delta=: invert tunes the weights itself"
    )
    (tmp_path / "text.png").write_text("no picture")
    assert error_line("invert", model, f"photos={tmp_path / 'text.png'}").startswith(
        f"{tmp_path}/text.png: is not an image"
    )
    shutil.copytree(photos / "masks", tmp_path / "masks")
    Image.fromarray(np.full((16, 16), 9, np.uint8)).save(tmp_path / "masks" / "bert.png")
    assert "label values outside the vocabulary (9) in 256 of 256" in error_line(
        "invert", model, pictures, f"masks={tmp_path / 'masks'}"
    )
    with full_disk(100):
        line = error_line("invert", model, pictures, f"out={tmp_path / 'full'}", "steps=1", "tune_steps=0", "size=32")
    assert line.endswith("codes.npz: cannot be written (no space left on the disk)")
