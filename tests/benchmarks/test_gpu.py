"""The GPU stages in their tiny form on the CPU, all of each, so that they work once there is a GPU."""

import json
import sys
import time

import pytest
import torch
from PIL import Image

from benchmarks.gpu import __main__ as gpu
from benchmarks.gpu import train
from benchmarks.jobs import OUT_OF_MEMORY, Budget, Job, Table, attempt


@pytest.fixture
def run(tmp_path, monkeypatch, as_before):
    """(stage, settings...) -> the JSON that the stage wrote to `run.out`."""
    out = tmp_path / "out"

    def run(stage, *settings):
        with as_before():
            gpu.main([stage, "tiny=on", "device=cpu", f"out={out}", f"work={tmp_path / 'work'}", *settings])
        return json.loads((run.out / f"{stage}.json").read_text())

    monkeypatch.chdir(tmp_path)
    run.out = out
    return run


def test_synthesis(run):
    found = run("synthesis")
    assert found["command"].startswith("python -m benchmarks.gpu synthesis tiny=on") and found["machine"]["torch"]
    names = [f"32 {mode} batch {n}" for mode in ("fp32", "tf32", "bf16") for n in (1, 2)]
    names += [f"32 bf16 {way} batch 2" for way in ("compiled", "graphs")]
    assert list(found["rows"]) == names and "not done yet" not in found
    for name, row in found["rows"].items():
        assert "error" not in row, (name, row)
        assert row["latency, ms"] > 0 and row["images a second"] > 0
    difference = {name: row["relative difference to fp32"] for name, row in found["rows"].items()}
    assert difference["32 fp32 batch 2"] == 0 < difference["32 bf16 batch 2"] < 0.1
    assert 0 < difference["32 bf16 compiled batch 2"] < 0.1
    with Image.open(run.out / "synthesis.png") as chart:
        assert chart.width > 400 and chart.height > 18 * len(names)
    modern = json.loads((run.out / "modern" / "synthesis.json").read_text())
    assert list(modern["rows"]) == names and not any("error" in row for row in modern["rows"].values())


def test_step(run):
    found = run("step")
    names = [f"32 {p} {how} batch 1" for p in ("fp32", "bf16-mixed") for how in ("recomputed", "kept")]
    names += [f"32 bf16-mixed {way} batch 1" for way in ("compiled", "graphs")]
    assert list(found["rows"]) == names
    for name, row in found["rows"].items():
        assert "error" not in row, (name, row)
        phases = {phase: facts["every"] for phase, facts in row["phases"].items()}
        assert phases == {"Dmain": 1, "Dreg": 16, "Gmain": 1, "Greg": 4}
        share = sum(facts["ms"] / facts["every"] for facts in row["phases"].values())
        assert row["step, ms"] == pytest.approx(share, abs=0.1)
    assert (run.out / "step.png").exists()
    modern = json.loads((run.out / "modern" / "step.json").read_text())
    assert list(modern["rows"]) == names
    for row in modern["rows"].values():
        assert list(row["phases"]) == ["Gpaint", "Dmain", "Dreg", "Gmain", "Glocal"]


def test_other_families_are_measured_into_a_folder_of_their_own(run):
    run.out = run.out / "stylegan2"
    given = ["model.family=stylegan2", "training.class_sets=all", "training.presence=0"]
    found = run("step", *given)
    assert found["settings"]["networks"] == given
    assert found["rows"] and not any("error" in row for row in found["rows"].values())
    assert not any("recomputed" in name for name in found["rows"])


@pytest.mark.slow
def test_train_resumes_from_call_to_call(run):
    run("train", "images=12")
    found = run("train", "images=24", "keep_model=on")
    assert [(call["from"], call["to"]) for call in found["calls"]] == [(0, 12), (12, 24)]
    assert found["images_seen"] == 24 and found["fit"].startswith("composegan fit domain=faces recipe=quick")
    assert list(found["sliced Wasserstein, by images seen"]) == ["8", "12", "16", "24"]
    figures = {figure["name"]: figure["value"] for figure in found["evaluation"]["figures"]}
    assert figures["sliced_wasserstein"] > 0 and figures["FSD"] > 0
    with Image.open(run.out / "train_grid.png") as grid, Image.open(run.out / "train_progress.png") as strip:
        assert strip.width == grid.width and strip.height == 16 * 5  # grids of 0, 8, 12, 16 and 24 images
    assert (run.out / "model" / "model.safetensors").exists()
    assert (run.out / "modern" / "model" / "model.safetensors").exists()


@pytest.mark.parametrize(("family", "grid"), zip(gpu.FAMILIES, (32, 64), strict=True))
def test_settings_of_the_training_run_are_valid(family, grid):
    from composegan.config.compose import compose

    config = compose(["domain=faces", *train.settings_of(family, tiny=False)]).config
    assert (config.data.height, config.training.batch, config.model.coarse_size) == (128, 64, grid)


def test_training_is_stopped_in_time_and_its_failure_reported(tmp_path, monkeypatch):
    stops = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(130)); time.sleep(60)"
    monkeypatch.setattr(train, "program", lambda code: [sys.executable, "-u", "-c", code])
    monkeypatch.setattr(train, "ENDING", 5.0)
    start = time.monotonic()
    train.train([stops], tmp_path / "log", seconds=7.0)
    assert time.monotonic() - start < 30
    with pytest.raises(SystemExit, match="ended with 3; see"):
        train.train(["print('why'); raise SystemExit(3)"], tmp_path / "log", seconds=60.0)


def test_table_is_filled_over_several_calls(tmp_path):
    """Existing rows are kept; jobs without enough time wait; a series ends when out of memory; a failure is a row."""
    done = []

    def job(name, outcome=None, series="", seconds=0.0):
        def work():
            done.append(name)
            if outcome is not None:
                raise outcome
            return {"ms": 1.0}

        return Job(name, work, series, seconds)

    jobs = [
        job("a"), job("b", ValueError("no such\nkernel")), job("c1", series="c"),
        job("c2", torch.cuda.OutOfMemoryError("2 GiB"), series="c"), job("c3", series="c"), job("late", seconds=100.0),
    ]  # fmt: skip
    table = Table(tmp_path / "t.json", "first")
    table.fill(jobs, Budget(1))
    assert done == ["a", "b", "c1", "c2"]
    assert table.rows["b"] == {"error": "ValueError: no such"} and table.rows["c3"] == OUT_OF_MEMORY
    assert json.loads((tmp_path / "t.json").read_text())["not done yet"] == ["late"]
    again = Table(tmp_path / "t.json", "second")
    again.fill(jobs, Budget(2))
    assert done == ["a", "b", "c1", "c2", "late"]
    assert "not done yet" not in json.loads((tmp_path / "t.json").read_text())
    assert Table(tmp_path / "t.json", "other", {"device": "cuda"}).rows == {}


def test_interrupt_ends_the_study():
    with pytest.raises(KeyboardInterrupt):
        attempt(lambda: (_ for _ in ()).throw(KeyboardInterrupt))
