"""Stopped runs resume bit for bit as if they had not stopped."""

import shutil

import pytest
import torch

from composegan.config.compose import load_config
from composegan.errors import UserError
from composegan.runs.checkpoint import read
from tests.helpers import last, refused


def test_reference_run_has_every_phase(whole_run, state_of, figures_of):
    state = state_of(whole_run)
    assert state["images_seen"] == 24
    assert state["networks"]["path_mean"] > 0
    # Twelve ordinary steps, and six of the regularizer for what it reaches: not the last bias, nor the masks' heads.
    for optimizer in state["optimizers"]:
        assert {int(moments["step"]) for moments in optimizer["state"].values()} == {12, 18}
    assert len(figures_of(whole_run)) == 12


def test_seed_determines_the_run(whole_run, fit, assert_same_run, state_of):
    assert_same_run(fit(), whole_run)
    other, usual = (state_of(run)["networks"] for run in (fit("seed=1"), whole_run))
    for name in ("generator.local.weight", "average.local.weight", "path_mean"):
        assert not torch.equal(other[name], usual[name]), name


@pytest.mark.parametrize("setting", ["data.flip=false", "training.mixing=0", "training.augment=0"])
def test_each_random_choice_changes_the_run(whole_run, fit, figures_of, setting):
    run = fit(setting, "training.images=8", "output.score_every=0")
    losses, usual = ([row["loss/generator"] for row in figures_of(each)] for each in (run, whole_run))
    assert losses != usual[: len(losses)]


@pytest.mark.parametrize("workers", [0, 2])
def test_stopped_in_the_middle_and_continued(whole_run, fit, resume, assert_same_run, figures_of, state_of, workers):
    """Ten images are five steps: the regularizers' turn comes a step later."""
    run = fit("training.images=10", f"data.workers={workers}")
    assert state_of(run)["images_seen"] == 10
    assert_same_run(resume(run, "training.images=24"), whole_run, extended=True)
    assert len(figures_of(run)) == 12


def test_stopped_after_every_step(whole_run, fit, resume, assert_same_run):
    run = fit("training.images=2", "output.score_every=0")
    for images in (4, 6, 8):
        resume(run, f"training.images={images}")
    assert_same_run(resume(run, "training.images=24", "data.workers=1"), whole_run, extended=True)


def test_kill_before_the_first_checkpoint_starts_again(whole_run, fit, resume, assert_same_run, capsys):
    run = fit("training.images=2")
    shutil.rmtree(run / "checkpoints")
    capsys.readouterr()
    assert_same_run(resume(run, "training.images=24"), whole_run, extended=True)
    assert f"{run} stopped before its first checkpoint; starting again in the same folder\n" in capsys.readouterr().out


def test_damaged_checkpoint_falls_back_to_the_previous_one(whole_run, fit, resume, assert_same_run, figures_of, capsys):
    run = fit("training.images=12")
    newest = run / "checkpoints" / "last.pt"
    newest.write_bytes(newest.read_bytes()[:5000])
    capsys.readouterr()
    assert_same_run(resume(run, "training.images=24"), whole_run, extended=True)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{newest}: is damaged or not a checkpoint of composegan (")
    assert first.endswith("; continuing from previous.pt")
    assert second == f"resuming {run} at 8 images"
    assert len(figures_of(run)) == 12  # the lines after 8 images were written anew


def test_checkpoints_hold_the_best_score(whole_run):
    assert read(whole_run / "checkpoints" / "best.pt")["best"] == last(whole_run)["best"] < float("inf")


def test_resuming_saves_the_changed_settings(fit, resume):
    run = fit("training.images=2", "output.score_every=0")
    resume(run, "training.images=4", "output.log_every=4")
    config = load_config(run / "config.yaml")
    assert (config.training.images, config.output.log_every, config.seed) == (4, 4, 0)


def rewrite(**changed):
    """(run): its newest checkpoint says something else."""
    return lambda run: torch.save(last(run) | changed, run / "checkpoints" / "last.pt")


def damage_all(run):
    for name in ("last.pt", "previous.pt"):
        (run / "checkpoints" / name).write_bytes(b"\0" * 100)


def resize(run):
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("local_channels: 8", "local_channels: 12"))


@pytest.mark.parametrize(
    ("change", "setting", "line"),
    [
        (None, "images=24", "run={run}: is finished (24 images); to train longer: composegan fit run={run} "
         "training.images=48"),
        (damage_all, "images=26", "{last}: is damaged or not a checkpoint of composegan (...{previous}: is damaged or "
         "not a checkpoint of composegan ("),
        (rewrite(domain="cars"), "images=26", "{last}: has domain 'cars', the run has 'shapes'"),
        (rewrite(classes=["ground", "cube"]), "images=26",
         "{last}: was trained on other classes (ground, cube); the domain has ground, ball, glass"),
        (resize, "images=26", "{last}: belongs to another model (...size mismatch for generator.local"),
        (None, "batch=4", "training.batch would change the run"),
    ],
)  # fmt: skip
def test_run_that_cannot_be_resumed_stays_as_it_was(whole_run, resume, tmp_path, change, setting, line):
    """One line that names the file or setting. "...": and further on in the line."""
    run = shutil.copytree(whole_run, tmp_path / "run")
    if change:
        change(run)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    error = refused(resume, run, f"training.{setting}")
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert {path for path in after if before.get(path) != after[path]} <= {run / "config.yaml"}
    names = {name: run / "checkpoints" / f"{name}.pt" for name in ("last", "previous")}
    start, _, more = line.format(run=run, **names).partition("...")
    assert error.startswith(start) and more in error


def test_run_whose_data_are_gone_is_refused(whole_run, resume, tmp_path):
    run = shutil.copytree(whole_run, tmp_path / "run")
    with pytest.raises(UserError, match=f"^{tmp_path / 'gone'}: does not exist"):
        resume(run, "training.images=26", f"data.root={tmp_path / 'gone'}")
