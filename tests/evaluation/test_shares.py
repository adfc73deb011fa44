"""Several processes evaluate together, each its share, and find what one finds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from composegan.cli import main
from composegan.evaluation import segmenter
from composegan.evaluation.shares import joined, share, together


@pytest.fixture(autouse=True)
def quickly(monkeypatch, tmp_path):
    monkeypatch.setattr(segmenter, "STEPS", 2)
    monkeypatch.setenv("COMPOSEGAN_CACHE", str(tmp_path / "cache"))


def test_shares_are_joined_in_order(ranks):
    def work(rank):
        with together() as first:
            own = list(share("abcdefg"))
            return [first, own, joined([letter.upper() for letter in own]), joined([rank] if rank < 1 else [])]

    (first, own, whole, one), (second, others, same, other) = ranks(work)
    assert first and not second
    assert (own, others) == (list("aceg"), list("bdf"))
    assert whole == same == list("ABCDEFG") and one == other == [0]


def test_alone_there_is_nothing_to_share():
    with together() as first:
        assert first and list(share("abc")) == list("abc") and joined([1, 2]) == [1, 2]


def test_two_processes_find_what_one_finds(whole_run, ranks, tmp_path, capfd):
    """Every measure, to the last digit but those of sums; each draws about half of the pictures, in batches of 3."""
    from composegan.evaluation import generated

    settings = [f"run={whole_run}", "n=16", "batch=3", "seed=1"]
    assert main(["evaluate", *settings, f"out={tmp_path / 'one'}"]) == 0
    capfd.readouterr()

    def work(rank):
        drawn, draw = [], generated._drawn
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(generated, "_drawn", lambda *given: (drawn.append(given[-1].start), draw(*given))[1])
            status = main(["evaluate", *settings, f"out={tmp_path / 'two'}"])
        return [status, drawn]

    assert ranks(work) == [[0, [0, 6, 12]], [0, [3, 9, 15]]]
    out, err = capfd.readouterr()
    assert out.count("wrote ") == out.count("statistics of the real set") == 1 and "Traceback" not in err
    one, two = (json.loads((tmp_path / name / "evaluation.json").read_text()) for name in ("one", "two"))
    assert len(one["figures"]) > 10 and [f["name"] for f in one["figures"]] == [f["name"] for f in two["figures"]]
    for mine, theirs in zip(one["figures"], two["figures"], strict=True):
        assert mine["value"] == pytest.approx(theirs["value"], rel=1e-5, abs=1e-7), mine["name"]
        assert mine["images"] == theirs["images"]
    assert one["classes"].keys() == two["classes"].keys() and one["skipped"] == two["skipped"]
    for name, row in one["classes"].items():
        assert row == pytest.approx(two["classes"][name], rel=1e-5)
    for name in ("agreement", "leakage"):
        same = [np.asarray(Image.open(tmp_path / folder / f"{name}.png")) for folder in ("one", "two")]
        assert np.array_equal(*same)


def test_when_one_fails_the_other_ends_too(whole_run, ranks, tmp_path, capfd):
    from composegan.errors import UserError
    from composegan.evaluation import generated

    def work(rank):
        def fails(*given):
            raise UserError("the second process fails")

        with pytest.MonkeyPatch.context() as patch:
            if rank == 1:
                patch.setattr(generated, "_drawn", fails)
            return main(["evaluate", f"run={whole_run}", "n=4", "batch=2", "metrics=FSD", f"out={tmp_path / 'out'}"])

    assert ranks(work) == [2, 2]
    err = capfd.readouterr().err
    assert "composegan: the second process fails\n" in err and "Traceback" not in err
    assert "composegan: another of the 2 processes has ended; what it said is above\n" in err
    assert not (tmp_path / "out").exists()
