"""Directions as the sliders of `composegan edit`."""

from __future__ import annotations

import json

import pytest
import torch

from composegan.cli import main
from composegan.editing.directions.store import Directions
from composegan.model.codes import Codes


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


def test_sliders_move_codes_as_the_directions_say(edit, model, found, tmp_path):
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


def test_base_codes_belong_to_all_classes(edit, found):
    status, text, err = edit(f"directions={found}", "slide=base.pca0:1")
    assert status == 0 and "outside" not in text, err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["slide=ball.texture.pca0:2"], "slide= and directions= go together"),
        (["directions=FOUND"], "slide= and directions= go together"),
        (["directions=FOUND", "method=slide"], "slide= and directions= go together"),
        (["directions=FOUND", "slide=ball.texture.pca0:2", "method=scale"], "slide= and directions= go together"),
        (["directions=FOUND", "slide=ball.texture.pca0:2", "classes=ball"], "classes=, part= and base= are not for"),
        (["directions=FOUND", "slide=ball.texture.pca:2"], "did you mean 'ball.texture.pca0'?"),
        (["directions=FOUND", "slide=ball.texture.pca0"], "has no amount"),
        (["directions=nowhere", "slide=ball.texture.pca0:2"], "directions=nowhere: there is no directions.json"),
    ],
)
def test_mistakes_are_told_in_one_line(edit, found, tmp_path, arguments, reason):
    status, _, err = edit(*(argument.replace("FOUND", str(found)) for argument in arguments))
    assert status == 2 and err.count("\n") == 1 and reason in err, err
    assert not (tmp_path / "edited").exists()
