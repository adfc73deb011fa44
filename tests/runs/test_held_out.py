"""The score of held-out pictures during a run."""

import csv

import pytest

from composegan.evaluation.held_out import HeldOut
from composegan.runs.prepare import open_data

BRIEF = ("training.images=8", "output.samples_every=1000", "output.score_every=2", "output.score_samples=2")


@pytest.fixture
def overfit(monkeypatch):
    """Every score of a run is this one; its own pictures stand for held-out ones."""
    monkeypatch.setattr("composegan.runs.fit.held_out_source", open_data)
    monkeypatch.setattr(HeldOut, "__call__", lambda *_: {"held_out": 1.5, "overfit": 0.7})


def test_run_logs_held_out_score_and_advises_augmentation_once(overfit, fit, capsys):
    run = fit(*BRIEF, "training.augment=0")
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["score/held_out"], row["score/overfit"]) for row in rows] == [("1.5", "0.7")] * 4
    out = capsys.readouterr().out
    assert "overfit 0.70" in out
    assert out.count("the discriminator has come to know the training pictures (overfit 0.70)") == 1
    assert f"resume with: composegan fit run={run} training.augment=adaptive" in out
