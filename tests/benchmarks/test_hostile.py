"""A share of benchmarks/hostile.py, and that it would see what it looks for."""

from __future__ import annotations

import json
from random import Random

import pytest

from benchmarks import hostile
from benchmarks.hostile_child import CUT, Outcome, attempt
from benchmarks.hostile_lines import command_line


def test_files_and_command_lines_that_nobody_should_give(tmp_path):
    failures = hostile.main(["files=40", "lines=60", "seed=7", f"out={tmp_path / 'hostile.json'}"])
    found = json.loads((tmp_path / "hostile.json").read_text())
    assert failures == 0, found["failures"]
    kinds = found["kinds"]
    assert kinds["all files"]["cases"] == 40 and kinds["all lines"]["cases"] == 60
    assert kinds["all files"]["refused in one line"] > 20 and kinds["all lines"]["refused in one line"] > 30


@pytest.mark.parametrize(
    ("outcome", "harmed", "said"),
    [
        (Outcome(1, "", "Traceback (most recent call last):\nValueError: x", 1.0, 0), False, "status 1: ValueError: x"),
        (Outcome(None, "", "", 60.0, 0), False, "still running after 60 s"),
        (Outcome(-11, "", "", 1.0, 0), False, "status -11"),
        (Outcome(0, "", "", 1.0, 2**31), False, "took 2147 MB"),
        (Outcome(0, "", "", 1.0, 0), True, "code in the file was run"),
        (Outcome(0, "", "x.py:3: UserWarning: careful", 1.0, 0), False, "a library speaks"),
        (Outcome(2, "", "composegan: a\ncomposegan: b", 1.0, 0), False, "2 lines of ours"),
        (Outcome(2, "", "composegan: \x1b[2Jx.yaml", 1.0, 0), False, "characters that move"),
        (Outcome(2, "", "composegan: it is damaged", 1.0, 0), False, "does not name the file"),
        (Outcome(2, "", "composegan: x.yaml: " + "a" * 5000, 1.0, 0), False, "a line of 50"),
    ],
)
def test_it_sees_a_failure(outcome, harmed, said):
    case = hostile.Case("domain", "flip_bits", ["fit"], ("x.yaml",))
    assert said in hostile.judge(case, outcome, harmed)


def test_it_takes_what_is_right():
    case = hostile.Case("domain", "flip_bits", ["fit"], ("x.yaml",))
    for outcome in (
        Outcome(0, "wrote out", "", 1.0, 0),
        Outcome(2, "", "composegan: x.yaml: is damaged", 1.0, 0),
        Outcome(CUT, "", "", 1.0, 0),
    ):
        assert hostile.judge(case, outcome, False) is None


def test_a_command_that_hangs_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("composegan.cli.main", lambda arguments: __import__("time").sleep(100))
    assert attempt(["fit"], tmp_path, 0.3).status is None


def test_the_same_number_is_the_same_line():
    assert command_line(Random("0, 5")) == command_line(Random("0, 5")) != command_line(Random("0, 6"))
