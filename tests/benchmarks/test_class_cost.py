"""The cost part of the study of many classes: its networks, results and arithmetic."""

import csv
import json

import pytest
import torch
from PIL import Image

from benchmarks.class_scaling import cost, cost_report, timing
from benchmarks.class_scaling.cells import CLASSES, GROUPS, PRESENT, Cell, class_sets, config_of, networks, plan_of


def quick(arm, classes):
    return Cell("quick", arm, classes, 2)


def test_cell_knows_its_equal_and_its_reference():
    assert quick("merged", 150).same == quick("bank", 8) == quick("grouped", 8).same
    assert quick("grouped", 30).same == quick("grouped", 30)
    assert quick("routed", 150).reference == quick("routed", 8)
    assert quick("routed", 8).reference == quick("bank", 8) == quick("bank", 8).reference
    assert len(cost.distinct("quick", ["loop", "bank", "merged", "grouped"], [8, 30], 2)) == 5


@pytest.mark.parametrize("classes", CLASSES)
def test_groups_class_sets_and_capacity(classes):
    cell = quick("routed", classes)
    sizes = [len(group) for group in plan_of(cell).groups]
    assert len(sizes) == GROUPS and sum(sizes) == classes and max(sizes) - min(sizes) <= 1
    sets = class_sets(cell).sets
    assert (sets.sum(dim=1) == min(PRESENT, classes)).all() and sets[:, 0].all()
    capacity = config_of(cell).model.texture_capacity * min(PRESENT, classes)
    assert capacity == pytest.approx(config_of(quick("routed", 8)).model.texture_capacity * 8)
    assert class_sets(quick("bank", classes)) is None
    assert config_of(quick("presence", classes)).model.texture_capacity == 1


def test_loop_gives_the_same_images_as_the_bank():
    torch.manual_seed(0)
    (bank, _), (loop, _) = (networks(quick(arm, 8), "cpu") for arm in ("bank", "loop"))
    z = torch.randn(2, bank.latent_channels)
    with torch.no_grad():
        ours, theirs = (generator(generator.map(z)).image for generator in (bank, loop))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_study_writes_results_and_resumes(tmp_path, capsys):
    where = [f"out={tmp_path / 'c.json'}", f"plot={tmp_path / 'c.png'}", "widths=quick", "classes=8,30", "threads=1"]
    threads = torch.get_num_threads()
    try:
        cost.main([*where, "parts=estimate", "arms=loop,routed"])
        first = json.loads((tmp_path / "c.json").read_text())["rows"]
        cost.main([*where, "parts=estimate,stage", "arms=loop,routed,merged", "stage_repeats=2"])
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
    found = json.loads((tmp_path / "c.json").read_text())
    rows = found["rows"]
    assert {name: rows[name] for name in first} == first and len(first) == 4
    assert rows["stage quick routed K=30"]["ratio"] > 0 and "error" not in json.dumps(rows)
    for name in ("generator", "saved_local", "memory", "flops"):
        added = {arm: rows[f"estimate quick {arm} K=30"][name] - rows[f"estimate quick {arm} K=8"][name]
                 for arm in ("loop", "routed")}  # fmt: skip
        assert 0 < added["routed"] < added["loop"] / 4
    aims = {aim["aim"]: aim for aim in found["aims"]["quick"]}
    parameters = aims["parameters added per class, of the loop's"]
    assert parameters["holds"] and 0 < parameters["found"] < 0.1
    with (tmp_path / "c.csv").open() as file:
        assert {row["arm"] for row in csv.DictReader(file)} == {"loop", "routed", "merged", "bank", "grouped"}
    with Image.open(tmp_path / "c.png") as plot:
        assert plot.width > 800
    assert "| parameters added per class, of the loop's |" in capsys.readouterr().out


@pytest.mark.slow
def test_step_takes_the_estimated_memory():
    cell = quick("routed", 30)
    row = timing.time_step(cell, 1, torch.device("cpu"))
    assert row["seconds"] > 0 and row["peak"] == pytest.approx(cost.estimated(cell).memory, rel=0.02)
    assert row["reference peak"] == pytest.approx(cost.estimated(cell.reference).memory, rel=0.02)


def test_step_that_needs_too_much_memory_is_not_run(monkeypatch):
    monkeypatch.setattr(timing, "time_step", lambda *_: pytest.fail("was run"))
    row = cost.step_row(quick("bank", 8), cost.CostConfig(), torch.device("cpu"), 1000)
    assert row["not run"].startswith("needs 0.")


def test_times_are_relative_to_the_bank_of_eight_classes():
    rows = {
        "step quick loop K=8": {"ratio": 1.5}, "step quick loop K=30": {"ratio": 3.0},
        "step quick routed K=8": {"ratio": 1.1}, "step quick routed K=150": {"ratio": 1.2},
    }  # fmt: skip
    assert cost_report.value(rows, "step", "quick", "loop", 30) == pytest.approx(4.5)
    assert cost_report.value(rows, "step", "quick", "merged", 150) == 1.0
    assert cost_report.value(rows, "step", "quick", "routed", 30) is None
    assert cost_report.per_class(rows, "step", "quick", "loop") == (pytest.approx(3.0 / 22), 30)
    aims = {aim["aim"]: aim for aim in cost_report.aims(rows, "quick")}
    added = aims["time added per class, of the loop's"]
    assert added["found"] == pytest.approx(1.1 * 0.2 / 142 / (3.0 / 22)) and added["holds"]
    assert not aims["step time at K = 150, to K = 8"]["holds"]
    assert aims["step time at K = 30, to K = 8"]["holds"] is None
