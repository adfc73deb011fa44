"""`save` replaces an earlier result of the same kind, and nothing else unless `overwrite=True`."""

import pytest
from PIL import Image

import composegan
from composegan.errors import UserError

FOLDERS = {
    "samples": lambda model: model.sample(2),
    "edit": lambda model: model.edit(model.codes(2), "ball", force=True),
    "mix": lambda model: model.mix(model.codes(1), model.codes(1, seed=1), "ball"),
    "components": lambda model: model.components(model.codes(1)),
    "directions": lambda model: model.directions("ball", method="sefa", count=1, measured_on=0),
    "inversion": lambda model: model.invert(model.sample(1)[0].image, steps=1, tune_steps=1),
    "model": lambda model: model,
}


@pytest.fixture(scope="module")
def model(whole_run):
    return composegan.load(whole_run)


@pytest.mark.parametrize("kind", FOLDERS)
def test_save_replaces_only_results_of_its_kind(kind, model, tmp_path):
    result = FOLDERS[kind](model)
    own = tmp_path / "own"
    assert result.save(own) == own == result.save(own)
    (own / "notes.txt").write_text("mine")
    data = tmp_path / "data"
    for part in ("images", "labels"):
        (data / part).mkdir(parents=True)
        Image.new("L", (4, 4)).save(data / part / "00000.png")
    for folder in (own, data):
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        with pytest.raises(UserError, match=f"^{folder}: holds other files; .*overwrite=True$"):
            result.save(folder)
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        result.save(folder, overwrite=True)
    assert (own / "notes.txt").read_text() == "mine"


def test_save_refuses_results_of_another_kind(model, tmp_path):
    model.sample(1).save(tmp_path / "drawn")
    for kind in set(FOLDERS) - {"samples"}:
        with pytest.raises(UserError, match="drawn: holds other files"):
            FOLDERS[kind](model).save(tmp_path / "drawn")


@pytest.mark.parametrize(("kind", "last"), [("edit", "after"), ("mix", "mixed")])
def test_save_writes_nothing_if_a_folder_inside_holds_other_files(kind, last, model, tmp_path):
    result = FOLDERS[kind](model)
    result.save(tmp_path)
    (tmp_path / last / "notes.txt").write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(UserError, match=f"{last}: holds other files"):
        result.save(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_files_are_replaced_only_by_their_kind(model, tmp_path):
    notes, codes = tmp_path / "notes.txt", model.codes(2)
    delta = model.invert(model.sample(1)[0].image, steps=1, tune_steps=1).deltas[0]
    for result in (codes, delta):
        assert result.save(tmp_path / "kept") == result.save(tmp_path / "kept") == tmp_path / "kept"
        (tmp_path / "kept").unlink()
        notes.write_text("mine")
        with pytest.raises(UserError, match=f"^{notes}: exists; .*overwrite=True$"):
            result.save(notes)
        assert notes.read_text() == "mine"
        assert result.save(notes, overwrite=True) == notes
    loop = model.interpolate(codes, tmp_path / "loop.gif", seconds=0.2, rate=10, size=16)
    with pytest.raises(UserError, match="loop.gif: exists"):
        model.interpolate(codes, loop)
    assert model.interpolate(codes, loop, seconds=0.2, rate=10, size=16, overwrite=True) == loop
