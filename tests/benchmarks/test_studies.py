"""The command line that all studies share, and the studies of inversion and of the paper's sizes in a small form."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import inversion, script
from benchmarks.networks import SMALL
from composegan.config.settings import settings_of
from composegan.errors import UserError
from composegan.model.model_files import save
from composegan.model.saved_model import Model, mean_code
from composegan.networks.generator import Generator
from composegan.plugin import registry
from composegan.verbs.bench import studies

STUDIES = sorted(studies(script.CHECKOUT / "benchmarks"))
WITHOUT_PARTS = sorted(set(STUDIES) - {"class_scaling", "gpu"})


def main_of(name):
    folder = Path(script.__file__).parent / name
    return import_module(f"benchmarks.{name}.__main__" if folder.is_dir() else f"benchmarks.{name}").main


@pytest.mark.parametrize("name", STUDIES)
def test_help_lists_every_setting_with_its_text(name, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(script, "settings_lines", lambda schema: seen.append(schema) or [])
    with pytest.raises(SystemExit) as end:
        main_of(name)(["--help"])
    assert end.value.code == 0 and f"python -m benchmarks.{name}" in capsys.readouterr().out
    (schema,) = seen
    assert settings_of(schema) and all(item.help for item in settings_of(schema).values())


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        *((name, "qqqqqq=1", f"python -m benchmarks.{name} --help") for name in WITHOUT_PARTS),
        ("same_run", "before=nowhere", "before=nowhere: does not exist"),
        ("same_run", "before=. kinds=plian", "did you mean 'plain'"),
        ("gpu", "trian", "which stage\\? did you mean 'train'"),
        ("class_scaling", "qualty", "which part of the study\\? did you mean 'quality'"),
        ("class_scaling", "cost arms=looop", "did you mean 'loop'"),
        ("class_scaling", "cost classes=9", "9 is not in the study"),
        ("class_scaling", "cost parts=", "at least one"),
        ("class_scaling", "cost memory=lots", "memory=lots"),
        ("class_scaling", "cost widths=paper", "did you mean 'paper256'"),
        ("class_scaling", "quality arms=pre_class", "did you mean 'per_class'"),
        ("class_scaling", "quality scale=huge", "there are: large, small"),
        ("class_scaling", "quality seeds=x", "seeds=x"),
        ("class_scaling", "quality jbos=2", "did you mean 'jobs'"),
        ("class_scaling", "quality pictures=1", "at least 2"),
        ("class_scaling", "quality model.coarse_sise=8", "did you mean 'model.coarse_size'"),
        ("class_scaling", "quality arms=", "at least one"),
    ],
)  # fmt: skip
def test_wrong_setting_is_reported_before_any_work(tmp_path, monkeypatch, name, settings, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        main_of(name)(settings.split())
    assert list(tmp_path.iterdir()) == []


def test_choose_splits_part_from_settings():
    assert script.choose("part", ("a", "b"), ["b", "x=1"]) == (["b"], ["x=1"])
    assert script.choose("part", ("a", "b"), ["all"]) == (["a", "b"], [])


@pytest.mark.parametrize(
    ("error", "status"), [(None, 1), (UserError("x: is wrong"), 2), (KeyboardInterrupt(), 130)], ids=str
)
def test_run_study_turns_errors_into_exit_statuses(monkeypatch, capsys, error, status):
    def main(arguments):
        if error:
            raise error
        return len(arguments)  # failures

    monkeypatch.setattr("sys.argv", ["study", "x=1"])
    with pytest.raises(SystemExit) as end:
        script.run_study(main)
    assert end.value.code == status and capsys.readouterr().err.count("\n") == (error is not None)


def test_paper_mode_writes_its_results(tmp_path):
    out = tmp_path / "results" / "paper_mode.json"
    settings = ["tiny=on", "repeats=1", "step_repeats=1", "device=cpu", f"out={out}"]
    command = [sys.executable, "-m", "benchmarks.paper_mode", *settings]
    run = subprocess.run(command, cwd=script.CHECKOUT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(out.read_text())
    assert found["command"].startswith("python -m benchmarks.paper_mode tiny=on")
    assert found["machine"]["torch"] and found["machine"]["cores"]

    operations = found["operations of the local stage, forward"]
    assert operations["ours"]["K=13"] == operations["ours"]["K=30"] < 100
    assert operations["loop"]["K=30"] > 2 * operations["loop"]["K=13"] > 1000

    (size,) = found["sizes"].values()
    stage = size["local stage"]
    assert stage["relative difference"]["answers"] < 1e-5
    assert stage["part of the loop's, outputs counted to both"] < 0.1
    assert stage["saved activations, MB"]["ours"] < stage["saved activations, MB"]["not recomputed"]
    assert set(size["step"]["phases"]) == {"Dmain", "Dreg", "Gmain", "Greg"}
    for row in (stage["forward"], stage["forward and backward"], size["generator"], size["step"]["amortized"]):
        assert min(row["milliseconds"].values()) > 0
    assert "step, amortized" in run.stdout and str(out) in run.stdout


@pytest.mark.slow
def test_inversion_measures_before_and_after_tuning(tmp_path, capsys, as_before):
    spec = registry.load("faces").spec
    settings = {**SMALL, "classes": len(spec.names), "height": 16, "width": 16, "recompute": False}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = Generator(**settings)
    model = Model(generator, settings, "faces", spec.names, spec.colors, mean_code(generator))
    out = tmp_path / "results" / "inversion.json"
    with as_before():
        inversion.main([f"model={save(tmp_path / 'model', model)}", "count=2", "steps=2", f"out={out}"])
    found = json.loads(out.read_text())
    assert found["settings"]["steps"] == 2 and found["machine"]["torch"]
    avatars = found["held-out avatars"]
    assert len(avatars["avatars"]) == 2
    for how in ("with mask", "without mask"):
        for stage in ("w+", "tuned"):
            leaks = avatars[how][stage]["leakage"]
            assert 0 <= leaks["one pixel"] <= leaks["strict"] <= 1 and 0 <= leaks["pasted"] <= 1
            assert avatars[how][stage]["mse"] > 0 and 0 <= avatars[how][stage]["mask_iou"] <= 1
    assert "| after tuning, with mask |" in capsys.readouterr().out


@pytest.mark.parametrize("part", ["images", "masks"])
def test_inversion_draws_the_photos_of_the_guide(tmp_path, part):
    inversion.main([f"draw={tmp_path}"])
    for drawn in sorted((tmp_path / part).iterdir()):
        committed = script.CHECKOUT / "docs" / "guide" / "photos" / part / drawn.name
        np.testing.assert_array_equal(np.asarray(Image.open(drawn)), np.asarray(Image.open(committed)))
