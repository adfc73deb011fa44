"""Seeded hostile input to every reader and the command line, and a check that the judge sees failures."""

import json
import shutil
from random import Random

import pytest

from benchmarks.hostile import run as hostile
from benchmarks.hostile.__main__ import main
from benchmarks.hostile.child import CUT, Outcome, attempt
from benchmarks.hostile.kit import KINDS, build
from benchmarks.hostile.lines import STARTS, command_line

SEED = 7
CASE = hostile.Case("domain", "flip_bits", ["fit"], ("x.yaml",))


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile") / "kit"
    build(folder)
    return folder


# Two cases of each kind, and those that once failed: a nested tensor, a shape whose size overflows.
@pytest.mark.parametrize(
    ("kind", "number", "seed"),
    [
        *((kind, 0, SEED) for kind in KINDS),
        *(pytest.param(kind, 1, SEED, marks=pytest.mark.slow) for kind in KINDS),
        ("release", 4, 5),
        ("packed", 11, 5),
    ],
)
def test_damaged_file_is_refused_in_one_line(kit, kind, number, seed):
    case = hostile.run_case(kit, kind, number, seed)
    assert case["failure"] is None, case


@pytest.mark.parametrize("number", [*range(10), *(pytest.param(n, marks=pytest.mark.slow) for n in range(10, 30))])
def test_hostile_command_line_is_refused_in_one_line(kit, number):
    case = hostile.run_case(kit, hostile.LINE, number, SEED)
    assert case["failure"] is None, case


@pytest.mark.parametrize("verb", ["fit", "adapt", "invert", "evaluate"])
def test_long_work_does_not_begin(kit, tmp_path, verb):
    folder = shutil.copytree(kit, tmp_path / "kit")
    outcome = attempt([verb, *STARTS[verb].split()], folder, 60)
    assert outcome.status == CUT, outcome.err


@pytest.mark.parametrize("kind", KINDS)
def test_unchanged_file_is_accepted(kit, tmp_path, kind):
    """Otherwise its changes would be refused for another reason."""
    folder = shutil.copytree(kit, tmp_path / "kit")
    outcome = attempt(KINDS[kind].command.split(), folder, 60)
    assert outcome.status in (0, CUT), outcome.err


def test_study_writes_a_summary_and_resumes(tmp_path, monkeypatch):
    out, ran = tmp_path / "hostile.json", []
    done = {"of": hostile.LINE, "number": 0, "kind": "composegan fit", "change": "", "status": 2, "failure": None}
    done |= {"seconds": 1.0, "megabytes": 3, "error": "composegan: x"}
    (tmp_path / "hostile.json.partial").write_text(json.dumps({"seed": SEED, "cases": [done]}))

    def run_case(kit, kind, number, *_):
        ran.append((kind, number))
        return {**done, "of": kind, "number": number, "kind": kind, "failure": "hangs" if kind == "image" else None}

    monkeypatch.setattr(hostile, "build", lambda folder: None)
    monkeypatch.setattr(hostile, "run_case", run_case)
    failures = main(["files=100", "lines=2", f"seed={SEED}", f"out={out}"])
    assert failures == len([kind for kind, _ in ran if kind == "image"])
    found = json.loads(out.read_text())
    assert found["kinds"]["all files"]["cases"] == len(ran) - 1 and (hostile.LINE, 0) not in ran
    assert found["kinds"]["all lines"] == {"cases": 2, "refused in one line": 2}
    assert {case["kind"] for case in found["failures"]} == {"image"}


@pytest.mark.parametrize(
    ("outcome", "harmed", "failure"),
    [
        (Outcome(1, "", "Traceback (most recent call last):\nValueError: x", 1.0, 0), False, "status 1: ValueError: x"),
        (Outcome(None, "", "", 60.0, 0), False, "still running after 60 s"),
        (Outcome(-11, "", "", 1.0, 0), False, "status -11"),
        (Outcome(0, "", "", 1.0, 2**31), False, "took 2147 MB"),
        (Outcome(0, "", "", 1.0, 0), True, "code in the file was executed"),
        (Outcome(0, "", "x.py:3: UserWarning: careful", 1.0, 0), False, "a library's warning"),
        (Outcome(2, "", "composegan: a\ncomposegan: b", 1.0, 0), False, "2 error lines of ours"),
        (Outcome(2, "", "composegan: \x1b[2Jx.yaml", 1.0, 0), False, "control characters"),
        (Outcome(2, "", "composegan: it is damaged", 1.0, 0), False, "does not name the file"),
        (Outcome(2, "", "composegan: x.yaml: " + "a" * 5000, 1.0, 0), False, "a line of 50"),
    ],
)
def test_judge_sees_failure(outcome, harmed, failure):
    assert failure in hostile.judge(CASE, outcome, harmed)


@pytest.mark.parametrize(("status", "error"), [(0, ""), (2, "composegan: x.yaml: is damaged"), (CUT, "")])
def test_judge_accepts_proper_end(status, error):
    assert hostile.judge(CASE, Outcome(status, "", error, 1.0, 0), False) is None


def test_hanging_command_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("composegan.cli.main", lambda arguments: __import__("time").sleep(100))
    assert attempt(["fit"], tmp_path, 0.3).status is None


def test_same_seed_gives_same_command_line():
    assert command_line(Random("0, 5")) == command_line(Random("0, 5")) != command_line(Random("0, 6"))
