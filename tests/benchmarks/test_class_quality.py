"""The quality part of the study of many classes: all of it with networks too small to learn, and its arithmetic."""

import csv
import json
import math
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import study_runs
from benchmarks.class_scaling import edits, quality, report, run
from benchmarks.class_scaling.measures import HIGHER, LOWER, sets_in
from benchmarks.class_scaling.pool import Command, run_all
from benchmarks.script import CHECKOUT, newest_run
from composegan.errors import UserError
from composegan.evaluation import segmenter
from composegan.model.codes import Codes
from composegan.plugins.cityscapes.street.source import StreetSource

TINY = """
data.height=16 data.width=32 data.demo_count=8 data.workers=0 model.latent_channels=8 model.mapping_layers=2
model.local_layers=3 model.base_layers=1 model.depth_layers=2 model.local_channels=4 model.coarse_channels=8
model.coarse_size=8 model.min_feat_size=8 model.max_channels=8 model.discriminator_max_channels=8
training.batch=2 output.samples=2 output.log_every=2 output.samples_every=100 output.checkpoint_every=2
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory, as_before):
    """(settings...) -> the JSON that the study wrote, after runs of a few steps."""
    home, draw, drawn = tmp_path_factory.mktemp("study"), StreetSource.__getitem__, {}

    def draw_once(source, index):
        key = source.seed, index
        if key not in drawn:
            drawn[key] = draw(source, index)
        return drawn[key]

    def study(*settings):
        where = [f"out={home / 'runs'}", f"results={home / 'results'}", f"plot={home / 'plots' / 'q.png'}"]
        with as_before(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(segmenter, "STEPS", 2)
            patch.setattr(StreetSource, "__getitem__", draw_once)
            patch.setattr(edits, "PICTURES", 2)
            patch.setenv("COMPOSEGAN_CACHE", str(home / "cache"))
            quality.main([*where, "arms=per_class,merged16,single", "pictures=8", "jobs=0", *TINY.split(), *settings])
        return json.loads((home / "results" / "class_quality.json").read_text())

    study.home = home
    return study


@pytest.fixture(scope="module")
def found(study):
    return study("images=4", "seeds=0")


def test_every_arm_is_trained_and_measured(study, found):
    assert set(found["runs"]) == {"per_class-0", "merged16-0", "single-0"}
    for name, of_run in found["runs"].items():
        assert of_run["images_seen"] == 4 and of_run["pictures"]["sliced_wasserstein"] > 0
        vocabularies = {"cityscapes16"} if name == "merged16-0" else {"cityscapes", "cityscapes16"}
        assert set(of_run["masks"]) == vocabularies
        for figures in of_run["masks"].values():
            assert figures["FSD"] > 0 and 0 <= figures["mask_consistency"] <= 1
            assert 0 <= figures["presence"] <= 1 and 0 <= figures["sets_followed"] <= 1
            assert 0 < figures["ownership"] < 1 and 0 <= figures["live_classes"] <= 30
        patches = list(of_run["classes_a_patch"].values())
        assert patches == sorted(patches, reverse=True) and patches[0] >= 1
    assert [len(found["runs"][f"{arm}-0"]["groups"]) for arm in ("per_class", "merged16", "single")] == [30, 16, 1]
    assert found["real"]["masks"]["cityscapes"]["mask_consistency"] > 0
    fine, merged = sorted(study.home.glob("cache/demos/cityscapes*-8x16x32-seed0-*/images.npy"))
    assert np.array_equal(np.load(fine), np.load(merged))  # all arms train on the same pictures


def test_tables_and_plots_are_written(study, found):
    with (study.home / "results" / "class_quality_classes.csv").open() as file:
        rows = {(row["arm"], row["vocabulary"], row["class"]): row for row in csv.DictReader(file)}
    assert len(rows) == 30 + 16 + 16 + 30 + 16
    road = rows["single", "cityscapes", "road"]
    assert float(road["presence_real"]) == 1.0 and 0 <= float(road["iou"]) <= 1
    for name in ("q.png", "q_pictures.png"):
        with Image.open(study.home / "plots" / name) as plot:
            assert plot.width > 400


@pytest.mark.slow
def test_finished_runs_are_reused_and_more_images_resume_them(study, found, monkeypatch):
    folder = newest_run(study.home / "runs" / "single-0")
    with monkeypatch.context() as patch:
        patch.setattr(run, "main", lambda arguments: pytest.fail("trained again"))
        again = study("images=4", "seeds=0")
    assert again["runs"] == found["runs"]
    more = study("images=6", "seeds=0", "arms=single")
    assert more["runs"]["single-0"]["images_seen"] == 6 and newest_run(study.home / "runs" / "single-0") == folder


@pytest.mark.slow
def test_results_of_another_version_are_measured_again_without_training(study, found, monkeypatch):
    monkeypatch.setattr(run, "VERSION", run.VERSION + 1)
    monkeypatch.setattr(study_runs, "resume", lambda *_: pytest.fail("trained again"))
    assert study("images=4", "seeds=0", "arms=per_class")["runs"]["per_class-0"]["version"] == run.VERSION


def test_leakage_is_weighted_over_live_classes_of_the_real_set():
    columns = {"ownership": [0.9, 0.9, 0.2, math.nan, 0.9]}  # class 0, live, without pixels, never drawn, not in real
    columns |= {"liveness_texture": [9, 9, 9, math.nan, 9], "leakage_texture": [0.1, 0.3, 1, math.nan, 1]}
    columns |= {"change_texture": [1, 3, 9, math.nan, 9], "liveness_shape": [9, 0.5, 9, math.nan, 9]}
    columns |= {"leakage_shape": [0.1, 0.3, 1, math.nan, 1], "change_shape": [1, 3, 9, math.nan, 9]}
    there = torch.tensor([True, True, True, True, False])
    found = edits.figures_of({name: torch.tensor(values).double() for name, values in columns.items()}, there)
    assert found["live_classes"] == 2 and found["ownership"] == pytest.approx(2.0 / 4)
    assert found["leakage_texture"] == pytest.approx((0.1 * 1 + 0.3 * 3) / 4) and math.isnan(found["leakage_shape"])


def test_folder_of_other_settings_is_refused(study, found):
    with pytest.raises(UserError, match="started with other settings .*model.local_channels=6"):
        study("images=4", "seeds=0", "model.local_channels=6")


def python(code):
    return [sys.executable, "-c", code]


def test_pool_runs_all_and_returns_exit_statuses(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.class_scaling.pool.PAUSE", 0.02)
    codes = {"a": "print('a')", "b": "raise SystemExit(3)", "c": "print('c')"}
    commands = [Command(name, python(code), tmp_path / name / "log.txt") for name, code in codes.items()]
    assert run_all(commands, 2) == {"a": 0, "b": 3, "c": 0}
    assert (tmp_path / "c" / "log.txt").read_text() == "c\n"


def test_pool_interrupts_its_processes_once_and_waits_for_them(tmp_path):
    job = "import signal, sys, time\nsignal.signal(2, lambda *_: (time.sleep(0.3), print('saved'), sys.exit(130)))\n"
    job += "print('on', flush=True)\ntime.sleep(60)"
    code = f"""
import sys
from pathlib import Path
from benchmarks.class_scaling.pool import Command, run_all
try:
    run_all([Command(n, [sys.executable, "-c", {job!r}], Path({str(tmp_path)!r}) / n) for n in "ab"], 2)
except KeyboardInterrupt:
    sys.exit(130)
"""
    with subprocess.Popen(python(code), cwd=CHECKOUT, stdout=subprocess.PIPE) as process:
        while not all((tmp_path / n).exists() and (tmp_path / n).read_text() for n in "ab"):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert [(tmp_path / n).read_text() for n in "ab"] == ["on\nsaved\n"] * 2


@pytest.mark.parametrize(
    ("pairs", "better", "behind", "ratio", "verdict"),
    [
        ([(2.0, 2.0), (3.0, 3.0)], LOWER, 0.0, 1.0, "yes"),
        ([(2.2, 2.0), (3.3, 3.0), (1.1, 1.0)], LOWER, 0.0, 1 / 1.1, "no"),
        ([(2.2, 2.0), (3.3, 3.0), (1.1, 1.0)], LOWER, 0.1, 1 / 1.1, "yes"),
        ([(0.5, 1.0), (1.2, 1.0), (1.1, 1.0)], HIGHER, 0.0, 0.66 ** (1 / 3), "open"),
        ([(0.5, 1.0)], HIGHER, 0.0, 0.5, "open"),  # one seed has no error
    ],
)
def test_verdict_depends_on_ratio_and_error(pairs, better, behind, ratio, verdict):
    found = report.compare(pairs, better, behind)
    assert (found["ratio"], found["verdict"]) == (pytest.approx(ratio), verdict)
    assert (found["error"] is None) == (len(pairs) == 1)


def a_run(swd, iou):
    masks = {"FSD": 0.1, "mask_consistency": iou}
    rows = {"road": {"presence_real": 1.0, "iou": iou}, "car": {"presence_real": 0.5, "iou": 2 * iou}}
    return {
        "images_seen": 4, "groups": [["road", "car"]], "generator": 1000,
        "pictures": {"sliced_wasserstein": swd, "FD-EffNetLite0": 2.0},
        "masks": {"cityscapes": masks, "cityscapes16": masks}, "classes": {"cityscapes": rows},
    }  # fmt: skip


def test_summary_is_over_seeds():
    runs = {("per_class", 0): a_run(1.0, 0.2), ("per_class", 1): a_run(3.0, 0.4), ("single", 0): a_run(2.0, 0.1)}
    found = report.summary(runs)
    assert found["per_class"]["sliced_wasserstein"] == [2.0, pytest.approx(math.sqrt(2)), 2]
    assert found["single"]["mask_consistency@30"] == [0.1, 0.0, 1]
    (aim,) = (row for row in report.aims(runs) if row["measure"] == "sliced_wasserstein")
    assert (aim["arm"], aim["against"], aim["ratio"]) == ("single", "per_class", 0.5)
    by_class = report.classes(runs)
    assert by_class["per_class"]["cityscapes"]["car"]["iou"] == pytest.approx(0.6)
    assert report.changes_by_class(by_class) == [
        "single: largest losses car -0.40, road -0.20; largest gains road -0.20, car -0.40"
    ]


def test_merged_class_is_present_if_any_member_is():
    present = torch.tensor([[True, False, False], [False, True, False], [False, False, True]])
    codes = Codes(torch.zeros(3, 7, 2), ("a", "b", "c"), "", present)
    merged = sets_in(codes, np.array([0, 1, 1], np.uint8), 2)
    assert merged.tolist() == [[True, False], [False, True], [False, True]]
