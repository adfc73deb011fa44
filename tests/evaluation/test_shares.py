"""Several processes share an evaluation and report what one process reports."""

import json

import numpy as np
import pytest
from PIL import Image

from composegan.cli import main
from composegan.errors import UserError
from composegan.evaluation import generated
from composegan.evaluation.shares import joined, share, together


def test_joined_restores_the_order_of_shares(ranks):
    def work(rank):
        with together() as first:
            own = list(share("abcdefg"))
            return [first, own, joined([letter.upper() for letter in own]), joined([rank] if rank < 1 else [])]

    (first, own, whole, one), (second, others, same, other) = ranks(work)
    assert first and not second
    assert (own, others) == (list("aceg"), list("bdf"))
    assert whole == same == list("ABCDEFG") and one == other == [0]


def test_share_in_one_process_is_everything():
    with together() as first:
        assert first and list(share("abc")) == list("abc") and joined([1, 2]) == [1, 2]


def test_evaluate_in_two_processes_equals_one(whole_run, ranks, tmp_path, capfd):
    """All metrics, up to the rounding of sums; each process draws about half of the pictures, in batches of 3."""
    settings = [f"run={whole_run}", "n=16", "batch=3", "seed=1"]
    assert main(["evaluate", *settings, f"out={tmp_path / 'one'}"]) == 0
    capfd.readouterr()

    def work(rank):
        drawn, draw = [], generated.draw
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(generated, "draw", lambda *given: (drawn.append(len(given[1])), draw(*given))[1])
            status = main(["evaluate", *settings, f"out={tmp_path / 'two'}"])
        return [status, drawn]

    assert ranks(work) == [[0, [3, 3, 3]], [0, [3, 3, 1]]]
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


def test_evaluate_ends_in_both_processes_when_one_fails(whole_run, ranks, tmp_path, capfd):
    def work(rank):
        def fails(*given):
            raise UserError("the second process fails")

        with pytest.MonkeyPatch.context() as patch:
            if rank == 1:
                patch.setattr(generated, "draw", fails)
            return main(["evaluate", f"run={whole_run}", "n=4", "batch=2", "metrics=FSD", f"out={tmp_path / 'out'}"])

    assert ranks(work) == [2, 2]
    err = capfd.readouterr().err
    assert "composegan: the second process fails\n" in err and "Traceback" not in err
    assert "composegan: another of the 2 processes has ended; see its error above\n" in err
    assert not (tmp_path / "out").exists()
