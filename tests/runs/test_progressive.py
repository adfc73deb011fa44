"""`grouping=progressive` in a run: what a split keeps and writes, and resuming."""

import json
import shutil

import pytest
import torch

import composegan
from composegan.cli import main
from composegan.config.compose import load_config
from composegan.errors import UserError
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.runs.adapt import compose_adaptation
from tests.helpers import last, refused

SPLITS = ["grouping=progressive:3", "training.split_every=8"]
"""Of 24 images: one group at first, two from 8 images on, three from 16 on."""


@pytest.fixture(scope="module")
def split_run(fit_in, tmp_path_factory):
    """A run in which every class ends up alone. Only to be read."""
    return fit_in(tmp_path_factory.mktemp("split"), *SPLITS)


def lines_of(run):
    return [json.loads(line) for line in (run / "grouping.jsonl").read_text().splitlines()]


def test_splits_are_written_to_grouping_jsonl(split_run):
    first, second, third = lines_of(split_run)
    assert first == {"images_seen": 0, "grouping": "progressive:3", "groups": [["ground", "ball", "glass"]]}
    for line, before, seen in ((second, first, 8), (third, second, 16)):
        assert line["images_seen"] == seen and 0 < line["conflict"] <= 1
        assert line["split"] in before["groups"]
        assert sorted(line["groups"]) == sorted([g for g in before["groups"] if g != line["split"]] + line["into"])
    assert third["groups"] == [["ground"], ["ball"], ["glass"]]


def test_checkpoint_has_weights_averages_and_moments_of_all_groups(split_run, state_of):
    state = state_of(split_run)
    assert last(split_run)["grouping"] == [[0], [1], [2]]
    for network in ("generator", "average"):
        assert state["networks"][f"{network}.local.weight"].shape[1] == 3
        assert state["networks"][f"{network}.local.embedding"].shape[0] == 3  # still there, though no classes share
    weight = state["networks"]["generator.local.weight"]
    assert all(not torch.equal(weight[:, a], weight[:, b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    moments = [item for item in state["optimizers"][0]["state"].values() if item["exp_avg"].shape == weight.shape]
    assert moments and all(
        item["exp_avg_sq"].stride() == weight.stride() == item["exp_avg"].stride() for item in moments
    )


@pytest.mark.parametrize("stop", [8, 10, 18])
def test_run_resumes_before_and_after_splits(split_run, fit, resume, assert_same_run, stop):
    """In the step of a split, after it, and after both; gradients of half an interval are kept."""
    run = fit(*SPLITS, f"training.images={stop}")
    assert len(lines_of(run)) == 1 + stop // 8
    assert_same_run(resume(run, "training.images=24"), split_run, extended=True)
    assert lines_of(run) == lines_of(split_run)


def test_damaged_checkpoint_falls_back_to_one_before_the_split(split_run, fit, resume, assert_same_run):
    run = fit(*SPLITS, "training.images=16", "output.checkpoint_every=12")
    newest = run / "checkpoints" / "last.pt"
    newest.write_bytes(newest.read_bytes()[:5000])
    with (run / "grouping.jsonl").open("a") as file:
        file.write('{"images_seen": 4, "spl')  # as a kill leaves it
    assert_same_run(resume(run, "training.images=24"), split_run, extended=True)
    assert lines_of(run) == lines_of(split_run)


def test_open_settings_are_settled_at_the_start(fit, resume):
    run = fit("grouping=progressive:3", "training.images=16")
    config = load_config(run / "config.yaml")
    assert (config.grouping, config.training.split_every, config.model.embedding) == ("progressive:3", 4, True)
    assert [line["images_seen"] for line in lines_of(run)] == [0, 4, 8]
    resume(run, "training.images=20")
    assert load_config(run / "config.yaml").training.split_every == 4
    with pytest.raises(UserError, match="training.split_every would change the run"):
        resume(run, "training.images=24", "training.split_every=2")


def test_budget_bounds_the_groups(fit):
    run = fit("grouping=progressive", "budget.groups=2", "training.images=8", "training.split_every=2")
    assert load_config(run / "config.yaml").grouping == "progressive:2"
    assert [len(line["groups"]) for line in lines_of(run)] == [1, 2]


def test_measuring_gradients_does_not_change_the_run(whole_run, fit, state_of):
    """Up to the first split it is the run with one group."""
    single = state_of(fit("grouping=single", "training.images=8"))["networks"]
    watched = state_of(fit("grouping=progressive:3", "training.split_every=10", "training.images=8"))["networks"]
    asked = watched.pop("class_gradients")
    assert single.pop("path_mean") == watched.pop("path_mean")
    assert single.keys() == watched.keys() and all(torch.equal(single[name], watched[name]) for name in single)
    assert (asked.flatten(2).norm(dim=2) > 0).all()
    assert "class_gradients" not in state_of(whole_run)["networks"]


def test_saved_model_has_the_current_groups(split_run, fit, tmp_path, monkeypatch):
    run = fit(*SPLITS, "training.images=10")
    model = composegan.load(run)
    groups = GroupingPlan.from_names(lines_of(run)[-1]["groups"], model.classes)
    assert model.settings["group_of"] == list(groups.group_of) and len(groups.groups) == 2
    assert composegan.load(split_run).settings["group_of"] == [0, 1, 2]
    monkeypatch.chdir(tmp_path)
    assert main(["sample", f"run={split_run}", "n=2", "out=pictures"]) == 0
    assert (tmp_path / "pictures" / "contact_sheet.png").exists()


def test_adaptation_has_the_groups_of_its_source(split_run, fit, shapes):
    run = fit(*SPLITS, "training.images=10")
    for source, groups in ((run, lines_of(run)[-1]["groups"]), (split_run, "per_class")):
        assert compose_adaptation(source, shapes).config.grouping == groups
    with pytest.raises(UserError, match="grouping=progressive: an adaptation keeps the groups of its source"):
        compose_adaptation(run, [*shapes, "grouping=progressive"])


@pytest.mark.parametrize("grouping", [None, [[0, 1], [1, 2]], [[0], [1]], [[0], [1], [2, 3]], "single"])
def test_checkpoint_with_other_groups_is_refused(split_run, resume, tmp_path, grouping):
    run = shutil.copytree(split_run, tmp_path / "run")
    newest = run / "checkpoints" / "last.pt"
    torch.save(last(run) | {"grouping": grouping}, newest)
    newest.with_name("previous.pt").unlink()  # or the run would continue from it
    assert str(newest) in refused(resume, run, "training.images=26")


def test_splits_work_with_class_sets_and_adapters(fit):
    run = fit(*SPLITS, "training.class_sets=data", "model.adapter_rank=2", "model.recompute=true", "training.images=20")
    assert len(lines_of(run)[-1]["groups"]) == 3
