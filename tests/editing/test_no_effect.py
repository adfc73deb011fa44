"""Edits that do nothing say why and write nothing; heat maps have one scale."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from composegan.cli import main
from composegan.editing.edit import compare, edit_codes
from composegan.editing.target import Target
from composegan.errors import UserError

BALL = "choose pictures that do, such as pictures="


@pytest.mark.parametrize(
    ("present", "settings", "said"),
    [
        ([1, 0, 0], "classes=ball", f"classes=ball: no picture has it; {BALL}"),
        ([1, 0, 0], "classes=ball,ghost", f"classes=ball,ghost: no picture has it; {BALL}"),
        ([1, 0, 0], "classes=ball method=remove", f"classes=ball: no picture has it; {BALL}"),
        (
            [1, 1, 0],
            "classes=ghost",
            "classes=ghost: no picture has it; the model never draws it (in none of 32 random",
        ),
        ([1, 1, 1], "classes=ghost", "classes=ghost: no picture shows it; the model never draws it (in none of 32"),
        ([1, 1, 0], "classes=ghost method=add", "classes=ghost: no picture shows it; the model never draws it"),
        ([1, 1, 1], "classes=ball method=add", "classes=ball: every picture has it already; choose pictures without"),
        ([1, 1, 1], "classes=ground part=shape", "classes=ground: the edit has no effect, no pixel changes"),
        ([1, 1, 1], "classes=ball method=scale amount=1", "classes=ball: the edit has no effect, no pixel changes"),
        ([1, 1, 1], "classes= base=on", "classes=ground,ball,ghost: the edit has no effect, no pixel changes"),
    ],
)
def test_edit_without_effect_is_an_error(ghost, tmp_path, error_line, capsys, present, settings, said):
    there = torch.tensor(present).bool().repeat(3, 1)
    file = replace(ghost.codes(3), present=there).save(tmp_path / "codes.npz")
    given = [f"codes={file}", "model=./any", *settings.split(), f"out={tmp_path / 'out'}"]
    line = error_line("edit", *given)
    assert line.startswith(said) and line.endswith("(force=on writes it all the same)")
    assert not (tmp_path / "out").exists()

    assert main(["edit", *given, "force=on"]) == 0
    printed = capsys.readouterr().out
    assert said in printed and "%" not in printed
    assert json.loads((tmp_path / "out" / "edit.json").read_text()).get("leakage", {}).get("all") is None


def test_change_outside_of_the_class_only_is_an_error_where_the_class_is_pasted(ghost, error_line, tmp_path, capsys):
    ghost.generator.own, ghost.generator.leak = 0.0, 1.0
    given = ["model=./any", "classes=ball", "part=texture"]
    line = error_line("edit", *given, f"out={tmp_path / 'out'}")
    said = "classes=ball: the model's picture changes only outside of ball; composite=off shows that"
    assert line == f"{said} (force=on writes it all the same)" and not (tmp_path / "out").exists()
    assert main(["edit", *given, "composite=off", f"out={tmp_path / 'drawn'}"]) == 0
    assert main(["edit", *given, "force=on", f"out={tmp_path / 'out'}"]) == 0
    assert said in capsys.readouterr().out


def test_remove_that_leaves_the_class_in_the_picture_is_an_error(ghost, error_line, tmp_path):
    ghost.generator.stays = True
    line = error_line("edit", "model=./any", "classes=ball", "method=remove", f"out={tmp_path / 'out'}")
    assert line.startswith("classes=ball: it stays in every picture; models that were trained with")


def test_classes_without_part_are_named_beside_an_edit_that_works(ghost, tmp_path, capsys):
    assert main(["edit", "model=./any", "classes=ball,ghost", f"out={tmp_path / 'out'}"]) == 0
    assert "\nghost: no picture shows it\n" in capsys.readouterr().out


@pytest.mark.parametrize("removed", [False, True])
def test_add_needs_class_sets_or_a_picture_without_the_class(model, removed):
    codes = model.codes(2)
    if removed:
        assert edit_codes(model, codes.having(remove="ball"), Target(("ball",)), "add")["ball"].present.all()
        return
    with pytest.raises(UserError, match="^method=add: .*training.class_sets=data"):
        model.edit(codes, "ball", method="add")


@pytest.mark.parametrize("method", ["add", "remove", "resample", "copy"])
def test_mask_and_picture_agree_after_an_edit(ghost, method):
    """Red is the ball and green the ground, in the model; what is pasted has both where the mask says so."""
    codes = replace(ghost.codes(8), present=torch.tensor([[1, method != "add", 0]]).bool().repeat(8, 1))
    edit = ghost.edit(codes, "ball", method=method)
    red, green = (np.abs(edit.after.images[..., channel].astype(int) - 128) > 2 for channel in (0, 1))
    ball = edit.after.labels == 1
    assert not (red & ~ball).any() or method in ("remove", "copy", "resample")  # the soft edge
    assert not (green & ball).any()
    np.testing.assert_array_equal(edit.after.labels, ghost.draw(edit.after.codes).labels)


def test_unchanged_pictures_do_not_count(ghost):
    codes = ghost.codes(3)
    after = codes.clone()
    after[1]["ball"].texture = after[1]["ball"].texture + 2 * ghost.generator.red
    codes.present[:], after.present[:] = True, True
    edit = compare(ghost, codes, after, ["ball"])
    assert edit.changed.tolist() == [False, True, False]
    assert [value is None for value in edit.figures()["leakage"]["each"]] == [True, False, True]
    assert edit.mean_leakage() == edit.leakage[1] and "nothing changed" not in repr(edit)
    still = compare(ghost, codes, codes, ["ball"])
    assert still.mean_leakage() is None and still.mean_leakage(composited=True) is None
    assert repr(still) == "Edit(3 pictures, ball, nothing changed)"


def test_python_raises_as_the_command_line_does(ghost):
    codes = replace(ghost.codes(2), present=torch.tensor([[1, 0, 0]] * 2).bool())
    with pytest.raises(UserError, match="classes=ball: no picture has it"):
        ghost.edit(codes, "ball")
    assert not ghost.edit(codes, "ball", force=True).changed.any()
