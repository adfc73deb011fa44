"""`composegan directions`, from the command line to the files, and the sliders of `composegan edit`."""

from __future__ import annotations

import json

import pytest
import torch
from PIL import Image

from composegan.cli import main
from composegan.editing.directions.store import Directions
from composegan.model.codes import Codes


@pytest.fixture
def directions(whole_run, tmp_path, capsys):
    """(arguments...) -> (exit status, standard output, standard error); a small one, written to tmp_path / out."""

    def directions(*arguments):
        small = ["n=90", "measured=5", "count=2", f"out={tmp_path / 'out'}"]
        status = main(["directions", f"run={whole_run}", *small, *arguments])
        return status, *capsys.readouterr()

    return directions


def test_directions_of_every_method_are_added_to_one_file(directions, model, tmp_path):
    out = tmp_path / "out"
    for arguments in (
        ["classes=ball", "part=texture"],
        ["classes=ball,glass", "part=shape", "method=sefa"],
        ["classes=ball", "method=boundary", "attribute=brightness(ball)", "truncation=1"],
    ):
        status, text, err = directions(*arguments)
        assert status == 0, err
        assert f"wrote {out}: " in text
    found = Directions.load(out, model)
    assert list(found.items) == [
        "ball.texture.pca0", "ball.texture.pca1", "ball+glass.shape.sefa0", "ball+glass.shape.sefa1", "ball.brightness",
    ]  # fmt: skip
    assert "brightness(ball)" in text and "held-out codes on the right side" in text and "5 in all" in text
    facts = json.loads((out / "directions.json").read_text())["directions"]["ball.brightness"]
    assert facts["attribute"] == "brightness(ball)" and 0 <= facts["accuracy"] <= 1 and facts["effect"]["pictures"] == 5
    effect = facts["effect"]["attribute"]
    assert effect["minus"] < effect["before"] < effect["plus"]
    codes = model.codes(1)
    assert torch.equal(found["ball.brightness"].apply(codes, 0).slots, codes.slots)
    width, height = Image.open(out / "ball.texture.pca.png").size
    assert width > 2 * 7 * 64 and height > 2 * 2 * 64
    assert Image.open(out / "ball.brightness.png").height < height


def test_directions_from_labels_and_codes(directions, model, whole_run, tmp_path, capsys):
    model.codes(50).save(tmp_path / "codes.npz")
    (tmp_path / "odd.csv").write_text("\n".join(f"{i},{i % 2}" for i in range(50)))
    given = ["classes=ball", "method=boundary", f"codes={tmp_path / 'codes.npz'}", f"labels={tmp_path / 'odd.csv'}"]
    status, text, err = directions(*given)
    assert status == 0, err
    assert text.startswith("ball.odd: ") and "of 10 held-out codes" in text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["classes=bal"], "classes=bal: there is no 'bal'; did you mean 'ball'?"),
        (["classes="], "classes=: name at least one"),
        (["part=colour"], "part=colour: there are: both, shape, texture"),
        (["method=pcs"], "method=pcs: did you mean 'pca'?"),
        (["method=boundary"], "method=boundary needs attribute="),
        (["method=boundary", "attribute=aera(ball)"], "did you mean 'area'?"),
        (["method=boundary", "attribute=area(bal)"], "no class 'bal'; did you mean 'ball'?"),
        (["method=boundary", "attribute=area(ball)", "labels=x"], "method=boundary needs attribute="),
        (["method=boundary", "attribute=area(ball)", "n=30"], "at least 20 on each side are needed: raise n="),
        (["method=boundary", "attribute=area(ball)", "weights=x"], "weights= is for attribute=classifier"),
        (["method=boundary", "attribute=classifier(resnet18:3)"], "give its state dict, weights=FILE"),
        (["method=boundary", "labels=x.csv"], "labels= and codes= go together"),
        (["method=boundary", "labels=x.csv", "codes=none.npz"], "codes=none.npz: does not exist"),
        (["attribute=area(ball)"], "attribute= is for method=boundary, not for method=pca"),
        (["count=17"], "count=17: must be 1 to 16, the width of the model's codes"),
        (["count=0"], "count=0: must be 1 to 1,000,000"),
        (["truncation=0"], "truncation=0.0: must be above 0, at most 1"),
        (["share=0.6"], "share=0.6: must be above 0, at most 0.5"),
        (["amount=0"], "amount=0.0: must be above 0"),
        (["shown=a"], "shown=a: 'a' is no"),
        (["contu=3"], "unknown key 'contu'"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(directions, tmp_path, arguments, reason):
    status, _, err = directions(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("composegan: ")]
    assert status == 2 and len(lines) == 1 and reason in lines[0], err
    assert not (tmp_path / "out").exists()


def test_directions_of_another_model_are_not_overwritten(directions, tmp_path):
    assert directions("classes=ball")[0] == 0
    path = tmp_path / "out" / "directions.json"
    path.write_text(path.read_text().replace('"space": "', '"space": "other'))
    before = path.read_text()
    status, _, err = directions("classes=ball")
    assert status == 2 and "from another model" in err and path.read_text() == before


@pytest.fixture(scope="module")
def found(whole_run, tmp_path_factory):
    """A folder with ball.texture.pca0, glass.shape.sefa0 and base.pca0."""
    out = tmp_path_factory.mktemp("found")
    for arguments in (["classes=ball", "part=texture"], ["classes=glass", "part=shape", "method=sefa"]):
        assert main(["directions", f"run={whole_run}", f"out={out}", "count=1", "measured=2", *arguments]) == 0
    base = ["classes=", "base=on", "count=1", "measured=2"]
    assert main(["directions", f"run={whole_run}", f"out={out}", *base]) == 0
    return out


@pytest.fixture
def edit(whole_run, found, tmp_path, capsys):
    def edit(*arguments):
        status = main(["edit", f"run={whole_run}", f"out={tmp_path / 'edited'}", "n=3", *arguments])
        return status, *capsys.readouterr()

    return edit


def test_sliders_move_codes_by_the_directions(edit, model, found, tmp_path):
    status, text, err = edit(f"directions={found}", "slide=ball.texture.pca0:2,glass.shape.sefa0:-1.5")
    assert status == 0, err
    assert "outside ball, glass" in text
    before, after = (Codes.load(tmp_path / "edited" / part, model) for part in ("before", "after"))
    directions = Directions.load(found, model)
    wanted = directions["glass.shape.sefa0"].apply(directions["ball.texture.pca0"].apply(before, 2.0), -1.5)
    assert torch.equal(after.slots, wanted.slots)
    assert not torch.equal(after["ball"].texture, before["ball"].texture)
    assert torch.equal(after["ball"].shape, before["ball"].shape) and torch.equal(after.base, before.base)
    assert json.loads((tmp_path / "edited" / "edit.json").read_text())["classes"] == ["ball", "glass"]


def test_a_slider_of_base_codes_has_no_leakage(edit, found):
    status, text, err = edit(f"directions={found}", "slide=base.pca0:1")
    assert status == 0 and "outside" not in text, err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["slide=ball.texture.pca0:2"], "slide= and directions= go together"),
        (["directions=FOUND"], "slide= and directions= go together"),
        (["directions=FOUND", "method=slide"], "slide= and directions= go together"),
        (["directions=FOUND", "slide=ball.texture.pca0:2", "method=scale"], "slide= and directions= go together"),
        (
            ["directions=FOUND", "slide=ball.texture.pca0:2", "classes=ball"],
            "classes=, part= and base= do not apply",
        ),
        (["directions=FOUND", "slide=ball.texture.pca:2"], "did you mean 'ball.texture.pca0'?"),
        (["directions=FOUND", "slide=ball.texture.pca0"], "has no amount"),
        (["directions=nowhere", "slide=ball.texture.pca0:2"], "directions=nowhere: has no directions.json"),
    ],
)
def test_mistakes_with_sliders_are_one_line(edit, found, tmp_path, arguments, reason):
    status, _, err = edit(*(argument.replace("FOUND", str(found)) for argument in arguments))
    assert status == 2 and err.count("\n") == 1 and reason in err, err
    assert not (tmp_path / "edited").exists()


def test_other_directions_of_the_same_name_are_not_written_over(directions, model, tmp_path):
    given = ["classes=ball", "method=boundary", "attribute=brightness(ball)"]
    for arguments in (given, given):  # the same directions again
        assert directions(*arguments)[0] == 0
    before = (tmp_path / "out" / "directions.safetensors").read_bytes()
    status, _, err = directions(*given, "seed=5")
    assert status == 2 and "has other directions named ball.brightness; choose another out=" in err
    assert (tmp_path / "out" / "directions.safetensors").read_bytes() == before
    assert directions(*given, "seed=5", "overwrite=on")[0] == 0
    assert (tmp_path / "out" / "directions.safetensors").read_bytes() != before
