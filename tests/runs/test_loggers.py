"""`trainer.logger`, and loggers and callbacks of Lightning's that a caller passes to `fit`."""

import builtins
import os

import lightning
import numpy as np
import pytest
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.loggers import Logger
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from composegan.config.compose import compose
from composegan.errors import UserError
from composegan.runs import fit as fitting
from composegan.runs.loggers import log_figures, log_sheet, make_loggers, rewind
from tests.helpers import last, refused


def board_of(run):
    return EventAccumulator(str(run / "tensorboard")).Reload()


def figures_in(run, name="loss"):
    return [(event.step, event.value) for event in board_of(run).Scalars(name)]


def test_tensorboard_has_no_figure_twice_after_resuming(tmp_path):
    for seen, steps in ((0, (8, 16, 24)), (16, (24,))):
        loggers = make_loggers("tensorboard", tmp_path, "shapes")
        rewind(loggers, seen)
        for step in steps:
            log_figures(loggers, step, {"loss": step + seen})
        log_sheet(loggers, 24, Image.fromarray(np.zeros((4, 6, 3), np.uint8)))
        loggers[0].finalize("success")
    assert figures_in(tmp_path) == [(8, 8), (16, 16), (24, 40)]
    assert [event.step for event in board_of(tmp_path).Images("samples")] == [24]


def test_tensorboard_starts_again_at_0(tmp_path):
    for value in (1, 2):
        loggers = make_loggers("tensorboard", tmp_path, "shapes")
        rewind(loggers, 0)
        log_figures(loggers, 8, {"loss": value})
        loggers[0].finalize("success")
    assert figures_in(tmp_path) == [(8, 2)]


def test_run_in_a_folder_that_is_not_utf8_is_trained_without_tensorboard(fit_in, resume, tmp_path, figures_of, caplog):
    """TensorBoard encodes its paths as UTF-8; metrics.csv has all figures."""
    run = fit_in(tmp_path / os.fsdecode(b"mod\xe8le"), "training.images=4")
    assert resume(run, "training.images=8") == run and figures_of(run)[-1]["images_seen"] == "8"
    assert "is not UTF-8, so TensorBoard cannot write to it" in caplog.text and not (run / "tensorboard").exists()


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_missing_package_is_named_with_its_extra(tmp_path, monkeypatch, name):
    imported = builtins.__import__

    def missing(module, *rest, **named):
        if module.partition(".")[0] == name:
            raise ModuleNotFoundError(f"No module named {name!r}")
        return imported(module, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    line = refused(lambda: log_figures(make_loggers(name, tmp_path, "shapes"), 0, {}))
    assert line == f"trainer.logger={name}: {name} is not installed; pip install 'composegan[{name}]'"


class Notes(Logger):
    """A caller's logger."""

    def __init__(self):
        super().__init__()
        self.figures = {}

    name, version = "notes", 0

    def log_metrics(self, metrics, step):
        self.figures.setdefault(step, {}).update(metrics)

    def log_hyperparams(self, *given, **named):
        pass


class Counts(lightning.Callback):
    """A caller's callback."""

    def __init__(self):
        self.seen = []

    def on_train_batch_end(self, trainer, module, *_):
        self.seen.append((module.step.images_seen, trainer.global_step, "loss/generator" in module.step.figures))


def test_callers_loggers_and_callbacks_follow_a_run(recipe, as_before, tmp_path, figures_of):
    notes, counts = Notes(), Counts()
    settings = ["training.images=8", "trainer.logger=csv", f"output.root={tmp_path}"]
    with as_before():
        run = fitting.fit(compose([*recipe, *settings]), [counts], [notes])
    assert counts.seen == [(2, 4, True), (4, 6, True), (6, 10, True), (8, 12, True)]  # global_step: of optimizers
    rows = {int(row.pop("images_seen")): row for row in figures_of(run)}
    assert notes.figures.keys() == rows.keys()
    for seen, row in rows.items():
        noted = {name: f"{value:.6g}" for name, value in notes.figures[seen].items()}
        assert noted == {name: value for name, value in row.items() if value}
    assert not (run / "tensorboard").exists()
    with pytest.raises(UserError, match="callbacks and loggers with several devices: start the script with torchrun"):
        fitting.fit(compose([*recipe, *settings, "trainer.devices=2"]), [counts])


class StopAtScore(lightning.Callback):
    """Stops a run once there is a score."""

    def on_train_batch_end(self, trainer, module, *_):
        trainer.should_stop |= "score/sliced_wasserstein" in trainer.callback_metrics


def test_callbacks_see_figures_and_may_stop_a_run(
    recipe, as_before, tmp_path, capsys, resume, whole_run, assert_same_run
):
    """Lightning's EarlyStopping, which looks at epochs, and so once, at the end, finds the score as well."""
    given = [StopAtScore(), EarlyStopping("score/sliced_wasserstein")]
    with as_before():
        run = fitting.fit(compose([*recipe, f"output.root={tmp_path}"]), given)
    assert capsys.readouterr().out.endswith(f"stopped at 8 images by a callback; to resume: composegan fit run={run}\n")
    assert given[1].best_score.isfinite()
    assert last(run)["images_seen"] == 8
    assert_same_run(resume(run), whole_run)
