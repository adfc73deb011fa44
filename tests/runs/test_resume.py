"""Stopped runs resume bit for bit as if they had not stopped."""

from __future__ import annotations

import shutil

import pytest
import torch

from composegan.errors import UserError
from composegan.runs.checkpoint import read


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
    other = state_of(fit("seed=1"))
    for name in ("generator.local.weight", "average.local.weight", "path_mean"):
        assert not torch.equal(other["networks"][name], state_of(whole_run)["networks"][name])


@pytest.mark.parametrize("setting", ["data.flip=false", "training.mixing=0", "training.augment=0"])
def test_each_random_choice_changes_the_run(whole_run, fit, state_of, setting):
    weight = "generator.local.weight"
    assert not torch.equal(state_of(fit(setting))["networks"][weight], state_of(whole_run)["networks"][weight])


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
    last = run / "checkpoints" / "last.pt"
    last.write_bytes(last.read_bytes()[:5000])
    capsys.readouterr()
    assert_same_run(resume(run, "training.images=24"), whole_run, extended=True)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{last}: is damaged or not a checkpoint of composegan (") and first.endswith(
        "; continuing from previous.pt"
    )
    assert second == f"resuming {run} at 8 images"
    assert len(figures_of(run)) == 12  # the lines after 8 images were written anew


def test_checkpoints_hold_the_best_score(whole_run):
    best, last = (read(whole_run / "checkpoints" / name) for name in ("best.pt", "last.pt"))
    assert best["best"] == last["best"] < float("inf")


def test_resuming_saves_the_changed_settings(fit, resume):
    from composegan.config.compose import load_config

    run = fit("training.images=2", "output.score_every=0")
    resume(run, "training.images=4", "output.log_every=4")
    config = load_config(run / "config.yaml")
    assert (config.training.images, config.output.log_every, config.seed) == (4, 4, 0)


class TestRefused:
    """One line that names the file or setting; the run stays as it was."""

    @pytest.fixture(autouse=True)
    def one_run(self, whole_run, resume, tmp_path):
        self.run = tmp_path / "run"
        shutil.copytree(whole_run, self.run)
        self.last, self.previous = (self.run / "checkpoints" / name for name in ("last.pt", "previous.pt"))
        self.resume = lambda *settings: resume(self.run, *settings)

    def told(self, *settings):
        before = {path: path.read_bytes() for path in self.run.rglob("*") if path.is_file()}
        with pytest.raises(UserError) as caught:
            self.resume(*(settings or ["training.images=26"]))
        after = {path: path.read_bytes() for path in self.run.rglob("*") if path.is_file()}
        assert {path for path in after if before.get(path) != after[path]} <= {self.run / "config.yaml"}
        return str(caught.value)

    def rewrite(self, **changed):
        torch.save(read(self.last) | changed, self.last)

    def test_finished_run(self):
        line = f"run={self.run}: is finished (24 images); to train longer: composegan fit run={self.run} "
        assert self.told("training.images=24") == line + "training.images=48"

    def test_all_checkpoints_damaged(self):
        for path in (self.last, self.previous):
            path.write_bytes(b"\0" * 100)
        line = self.told()
        assert f"{self.last}: is damaged or not a checkpoint of composegan (" in line
        assert f"{self.previous}: is damaged or not a checkpoint of composegan (" in line
        assert "\n" not in line

    def test_checkpoint_of_another_domain(self):
        self.rewrite(domain="cars")
        assert self.told() == f"{self.last}: has domain 'cars', the run has 'shapes'"

    def test_checkpoint_of_other_classes(self):
        self.rewrite(classes=["ground", "cube"])
        line = f"{self.last}: was trained on other classes (ground, cube); the domain has ground, ball, glass"
        assert self.told() == line

    def test_checkpoint_of_another_size(self):
        config = self.run / "config.yaml"
        config.write_text(config.read_text().replace("local_channels: 8", "local_channels: 12"))
        line = self.told()
        assert line.startswith(f"{self.last}: belongs to another model (")
        assert "size mismatch for generator.local" in line and "\n" not in line

    def test_missing_data(self, tmp_path):
        gone = tmp_path / "gone"
        assert self.told("training.images=26", f"data.root={gone}").startswith(f"{gone}: does not exist")

    def test_setting_that_would_change_the_run(self):
        assert self.told("training.batch=4").startswith("training.batch would change the run")
