"""A share of benchmarks/hostile, and that it would see what it looks for."""

from __future__ import annotations

import shutil
from random import Random

import pytest

from benchmarks.hostile import run as hostile
from benchmarks.hostile.child import CUT, Outcome, attempt
from benchmarks.hostile.kit import KINDS, build
from benchmarks.hostile.lines import command_line


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile") / "kit"
    build(folder)
    return folder


def test_files_and_command_lines_that_nobody_should_give(kit):
    config = hostile.HostileConfig(files=30, lines=50, seed=7)
    kept = []
    cases = hostile.run_cases(config, kit, [], lambda cases: kept.append(len(cases)))
    found = hostile.summary(cases)
    assert found["failures"] == [] and kept[-1] == 80
    assert found["kinds"]["all files"]["cases"] == 30 and found["kinds"]["all lines"]["cases"] == 50
    assert found["kinds"]["all files"]["refused in one line"] > 20
    assert found["kinds"]["all lines"]["refused in one line"] > 25
    assert hostile.run_cases(config, kit, list(cases), lambda cases: None) == cases  # nothing is left to do


def test_without_a_change_every_file_is_taken(kit, tmp_path):
    """Else it would be refused for something else than what was done to it."""
    for number, kind in enumerate(KINDS.values()):
        folder = shutil.copytree(kit, tmp_path / str(number))
        outcome = attempt(kind.command.split(), folder, 60)
        assert outcome.status in (0, CUT), (kind, outcome.err)


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
