"""`composegan directions`, from the command line to the files."""

from __future__ import annotations

import json

import pytest
import torch
from PIL import Image

from composegan.cli import main
from composegan.editing.directions.store import Directions


@pytest.fixture
def directions(whole_run, tmp_path, capsys):
    """(arguments...) -> (exit status, standard output, standard error); a small one, written to tmp_path / out."""

    def directions(*arguments):
        small = ["n=90", "measured=5", "count=2", f"out={tmp_path / 'out'}"]
        status = main(["directions", f"run={whole_run}", *small, *arguments])
        return status, *capsys.readouterr()

    return directions


def test_every_method_and_all_in_one_file(directions, model, tmp_path):
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


def test_labels_and_codes(directions, model, whole_run, tmp_path, capsys):
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
        (["classes="], "classes=: which?"),
        (["part=colour"], "part=colour: there are: both, shape, texture"),
        (["method=pcs"], "method=pcs: did you mean 'pca'?"),
        (["method=boundary"], "method=boundary needs attribute="),
        (["method=boundary", "attribute=aera(ball)"], "did you mean 'area'?"),
        (["method=boundary", "attribute=area(bal)"], "no class 'bal'; did you mean 'ball'?"),
        (["method=boundary", "attribute=area(ball)", "labels=x"], "method=boundary needs attribute="),
        (["method=boundary", "attribute=area(ball)", "n=30"], "20 on each side are needed: raise n="),
        (["method=boundary", "attribute=area(ball)", "weights=x"], "weights= is for attribute=classifier"),
        (["method=boundary", "attribute=classifier(resnet18:3)"], "weights=FILE is needed"),
        (["method=boundary", "labels=x.csv"], "labels= and codes= go together"),
        (["method=boundary", "labels=x.csv", "codes=none.npz"], "codes=none.npz: does not exist"),
        (["attribute=area(ball)"], "attribute= is for method=boundary, not for method=pca"),
        (["count=17"], "count=17: the model's codes have 16 numbers"),
        (["count=0"], "count=0: must be 1 or more"),
        (["truncation=0"], "truncation=0.0: must be above 0"),
        (["share=0.6"], "share=0.6: must be above 0, to 0.5"),
        (["amount=0"], "amount=0.0: must be above 0"),
        (["shown=a"], "shown=a: 'a' is no number or range"),
        (["contu=3"], "unknown key 'contu'"),
    ],
)
def test_mistakes_are_told_in_one_line_and_nothing_is_written(directions, tmp_path, arguments, reason):
    status, _, err = directions(*arguments)
    told = [line for line in err.splitlines() if line.startswith("composegan: ")]
    assert status == 2 and len(told) == 1 and reason in told[0], err
    assert not (tmp_path / "out").exists()


def test_directions_of_another_model_are_not_written_over(directions, tmp_path):
    assert directions("classes=ball")[0] == 0
    path = tmp_path / "out" / "directions.json"
    path.write_text(path.read_text().replace('"space": "', '"space": "other'))
    before = path.read_text()
    status, _, err = directions("classes=ball")
    assert status == 2 and "are of another model" in err and path.read_text() == before


def test_every_setting_has_its_help(capsys):
    assert main(["directions", "--help"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ") and "=" in line]
    assert {"labels=", "codes=", "attribute=", "share=0.33", "shown=0,1"} <= {row[0] for row in rows}
    assert all(len(row) > 4 for row in rows)
