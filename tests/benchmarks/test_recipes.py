"""The leaderboard with networks too small to learn: results, resuming, equal time, and what its arguments mean."""

import json

import pytest
from PIL import Image

from benchmarks import study_runs
from benchmarks.recipes import clock, measure, report
from benchmarks.recipes.__main__ import main
from benchmarks.recipes.arms import ARMS, arms_in
from composegan.errors import UserError

SETTINGS = """
metrics=sliced_wasserstein,edit_leakage pictures=4 split=train seeds=0 images=4
data.height=16 data.width=16 data.workers=0 trainer.accelerator=cpu trainer.threads=1
model.latent_channels=16 model.mapping_layers=2 model.local_layers=3 model.base_layers=1 model.depth_layers=2
model.local_channels=8 model.coarse_channels=8 model.coarse_size=8 model.min_feat_size=4 model.max_channels=8
model.discriminator_max_channels=8 training.batch=2 output.samples=2 output.log_every=2 output.samples_every=100
output.checkpoint_every=2 output.score_every=2 output.score_samples=4 output.metrics=sliced_wasserstein
"""


@pytest.fixture
def study(tmp_path, shapes, as_before):
    """(settings...) -> the JSON that the study wrote; `study.home` has the runs and the results."""
    domain, root = shapes

    def study(*settings):
        given = {text.partition("=")[0]: text for text in [*SETTINGS.split(), *settings]}
        where = [domain, root, f"out={tmp_path / 'runs'}", f"results={tmp_path / 'results'}"]
        with as_before(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(measure, "SHOWN", 2)
            assert not main([*where, *given.values()])
        return json.loads((tmp_path / "results" / "recipes.json").read_text())

    study.home = tmp_path
    return study


def test_arms_are_trained_measured_and_resumed(study, monkeypatch):
    arms = "arms=stylegan2;narrow:paper model.max_channels=6"
    first = study("arms=stylegan2")["runs"]["stylegan2-0"]
    assert first["images_seen"] == 4 and set(first["figures"]) == {"sliced_wasserstein"}
    with monkeypatch.context() as patch:  # the first arm is not trained again
        patch.setattr(study_runs, "resume", lambda *_: pytest.fail("resumed"))
        found = study(arms)
    assert found["runs"]["stylegan2-0"] == first and list(found["runs"]) == ["stylegan2-0", "narrow-0"]
    narrow = found["runs"]["narrow-0"]
    assert "edit_leakage_all_texture" in narrow["figures"]
    assert set(narrow["scores"]) == {"sliced_wasserstein"}  # not the discriminator's scores
    scores = narrow["scores"]["sliced_wasserstein"]
    assert [row[0] for row in scores] == [2, 4] and all(row[2] > 0 for row in scores)
    text = (study.home / "results" / "recipes.md").read_text()
    assert "| figure | better | stylegan2 | narrow | real halves |" in text and "| images seen |  | 4 | 4 |  |" in text
    for name in ("samples_stylegan2", "samples_narrow", "curves"):
        with Image.open(study.home / "results" / f"{name}.png") as picture:
            assert picture.width >= 32
    with monkeypatch.context() as patch:
        patch.setattr(study_runs, "fit", lambda *_: pytest.fail("started again"))
        more = study("arms=stylegan2", "images=6")["runs"]["stylegan2-0"]
    assert more["images_seen"] == 6
    with pytest.raises(AssertionError):  # a failure is reported at the end
        study("arms=stylegan2", "images=2")


def test_equal_time_stops_at_the_first_checkpoint_after_it(study, monkeypatch, capsys):
    seconds = iter(range(0, 10_000, 50))  # each step takes 50 seconds and ends in a checkpoint
    monkeypatch.setattr(clock, "now", lambda device: next(seconds))
    found = study("arms=stylegan2", "minutes=2")["runs"]["stylegan2-0"]
    assert (found["images_seen"], found["minutes"]) == (6, 2.5)
    assert [row[:2] for row in found["scores"]["sliced_wasserstein"]] == [[2, 0.833], [4, 1.667], [6, 2.5]]
    assert "stopped at 6 images by a callback" in capsys.readouterr().out
    monkeypatch.setattr(study_runs, "resume", lambda *_: pytest.fail("trained again"))
    assert study("arms=stylegan2", "minutes=2", "pictures=6")["runs"]["stylegan2-0"]["images_seen"] == 6


def test_arms_by_name_and_by_settings():
    found = arms_in("paper, stylegan2; wide:paper model.max_channels=96;own:model.family=x a.b=[c,d]")
    assert found == {
        "paper": ARMS["paper"], "stylegan2": ARMS["stylegan2"], "wide": (*ARMS["paper"], "model.max_channels=96"),
        "own": ("model.family=x", "a.b=[c,d]"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pper", "there is no arm 'pper'; did you mean 'paper'"),
        ("wide:pper a.b=1", "there is no arm 'pper'"),
        ("wide:", "wide needs settings key=value"),
        ("wide:paper model.noise", "wide needs settings key=value"),
        ("paper;paper:a.b=1", "paper is there twice"),
        ("../x:a.b=1", "not the name of an arm"),
        (" ; ", "name at least one"),
    ],
)
def test_wrong_arms_are_refused(text, message):
    with pytest.raises(UserError, match=message):
        arms_in(text)


def test_arm_that_cannot_work_is_one_line_before_any_training(study):
    with pytest.raises(UserError, match="^arm other: model.family: no network family 'moderne' is installed"):
        study("arms=stylegan2;other:paper model.family=moderne")
    with pytest.raises(UserError, match="has no split 'validation'"):
        study("arms=stylegan2", "split=validation")
    with pytest.raises(UserError, match="^training.images=8: the same for all arms; set images="):
        study("training.images=8")
    assert not (study.home / "runs").exists()


def test_summary_is_over_seeds():
    def run(value):
        return {"images_seen": 4, "minutes": 1.0, "generator": 10, "figures": {"FD": value}, "better": {"FD": "lower"}}

    runs = {("a", 0): run(1.0), ("a", 1): run(3.0), ("b", 0): run(2.0)}
    found = report.summarize(runs)
    assert found["a"]["FD"] == [2.0, pytest.approx(2**0.5), 2] and found["b"]["FD"] == [2.0, 0.0, 1]
    lines = report.table({key: {**value, "real": {"FD": 0.5}} for key, value in runs.items()}, found)
    assert "| FD | lower | 2 ± 1.4 | 2 | 0.5 |" in lines
