"""The values of each extension, and a run that uses all but the shards."""

from __future__ import annotations

import json

import pytest
import torch

import composegan
from composegan.cli import main
from composegan.config.compose import compose, load_config
from composegan.config.schema import DataConfig
from composegan.data import UserError
from composegan.data.statistics import class_statistics
from composegan.plugin import registry
from composegan.plugin.contracts import EXTENSIONS, GROUPING, METRIC
from composegan.plugin.entry_points import normalized
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.plugin.listing import listing
from composegan.training.build import build
from composegan.training.objective import objective
from composegan.training.phases import Real, State, real_mask
from composegan_extensions import areas
from composegan_extensions.relativistic import slope


def test_one_of_each_kind_is_registered():
    own = [found for found in listing(EXTENSIONS) if found.distribution != "composegan"]
    names = {found.kind.word: found.name for found in own if normalized(found.distribution) == "composegan-extensions"}
    assert list(names.values()) == ["by_size", "litdata", "class_colors", "relativistic", "bounded", "areas"]
    assert [found.error for found in own] == [None] * len(own)


def test_by_size_groups_classes_of_similar_area(spec, folder):
    policy = registry.require("by_size", GROUPING).plugin
    statistics = class_statistics(folder, 3)
    assert statistics.area[0] > statistics.area[2] > statistics.area[1]

    def groups(argument, fits=lambda plan: True):
        policy.check(spec, argument)
        return policy.propose(spec, argument, lambda: statistics, fits).to_names(spec.names)

    assert groups("2") == [["ground"], ["ball", "glass"]]
    assert groups("3") == [["ground"], ["ball"], ["glass"]]
    assert groups("") == [["ground", "ball", "glass"]]
    asked = []
    assert groups("2", lambda plan: asked.append(plan)) == [["ground"], ["ball", "glass"]]  # fit checks the budget
    for argument in ("0", "4", "many", "-1"):
        with pytest.raises(UserError, match=f"grouping=by_size:{argument}: a number of groups is needed, 1 to 3"):
            groups(argument)


@pytest.fixture
def colors(folder):
    """(shift of class 1's red, ...) -> rows of the pictures with it, in batches as fit gives them."""
    metric = registry.require("class_colors", METRIC).plugin
    images = torch.stack([torch.from_numpy(folder[i].image) for i in range(12)])
    labels = torch.stack([torch.from_numpy(folder[i].labels) for i in range(12)])

    def rows(change=0, relabel=None):
        changed, marks = images.clone(), labels.clone()
        changed[:, 0][marks == 1] -= change
        if relabel is not None:
            marks[marks == 1] = relabel
        parts = zip(changed.split(5), marks.split(5), strict=True)
        return torch.cat([metric.describe(*part, 3) for part in parts])

    return metric, rows


def test_class_colors_measures_the_shift_of_one_class(colors):
    metric, rows = colors
    assert rows().shape == (12, 12)
    assert metric.compare(rows(), rows()) == 0
    assert metric.compare(rows(), rows(51)) == pytest.approx(51 / 255 / 3, rel=1e-4)  # of one of three classes


def test_class_colors_of_a_missing_class_is_the_largest_distance(colors):
    metric, rows = colors
    without = rows(relabel=2)
    assert metric.compare(rows(), without) > 3**0.5 / 3
    assert metric.compare(without, rows()) < 3**0.5 / 3  # classes of no real image do not count


@pytest.fixture
def state(request, shapes, folder, tiny):
    weights = ["training.r1_image=10", "training.r1_mask=1000", *getattr(request, "param", [])]
    composed = compose([f"domain={shapes / 'shapes.yaml'}", *tiny, *weights, "training.loss=relativistic"])
    config, spec = composed.config, composed.plugin.spec
    networks = build(config, spec, GroupingPlan.per_class(3))
    images = torch.stack([torch.from_numpy(folder[i].image) for i in range(4)]) / 127.5 - 1
    real = Real(images, torch.stack([torch.from_numpy(folder[i].labels) for i in range(4)]))
    return State(*networks, torch.zeros(())), real, {phase.name: phase for phase in objective(config.training)}


def loss_of(phase, state, real):
    torch.manual_seed(3)
    return phase.loss(state, real)


def test_relativistic_loss_depends_on_score_differences_only(state):
    state, real, phases = state
    before = [loss_of(phases[name], state, real) for name in ("Dmain", "Gmain")]
    with torch.no_grad():
        state.discriminator.score.bias += 5
    after = [loss_of(phases[name], state, real) for name in ("Dmain", "Gmain")]
    for (one, logs), (other, others) in zip(before, after, strict=True):
        assert one.item() == pytest.approx(other.item(), abs=1e-4)
        if "score/real" in logs:
            assert others["score/real"].item() == pytest.approx(logs["score/real"].item() + 5, abs=1e-4)


def test_relativistic_loss_of_equal_scores_is_log_2(state):
    state, real, phases = state
    for weight in state.discriminator.score.parameters():
        torch.nn.init.zeros_(weight)
    for name, figure in (("Dmain", "loss/discriminator"), ("Gmain", "loss/generator")):
        assert loss_of(phases[name], state, real)[1][figure].item() == pytest.approx(0.6931, abs=1e-4)


@pytest.mark.parametrize("state", [["training.loss.relativistic.r2=0.5"]], indirect=True)
def test_penalty_is_r1_and_weighted_r2(state):
    state, real, phases = state
    loss, logs = loss_of(phases["Dreg"], state, real)
    r1, r2 = (logs[f"{side}/image"] * 10 / 2 + logs[f"{side}/mask"] * 1000 / 2 for side in ("r1", "r2"))
    assert loss.item() == pytest.approx((r1 + r2 / 2).item() * 2, rel=1e-4)  # every second step
    steep = slope(state, real.image, real_mask(state, real)).image
    assert steep.item() == pytest.approx(logs["r1/image"].item(), rel=1e-4) and logs["r2/image"].item() > 0
    loss.backward()
    assert all(weight.grad is None for weight in state.generator.parameters())


def test_areas_lists_classes_by_area(shapes, capsys):
    data = DataConfig(root=str(shapes / "data"), height=16, width=16)
    areas.verb.run(areas.Settings(domain=str(shapes / "shapes.yaml"), data=data))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ground", "glass", "ball"]
    assert lines[0].startswith("ground            100% of images") and lines[0].endswith("% of the image")


@pytest.mark.parametrize("limit", ["0.9", "11", "high"])
def test_limit_out_of_bounds_is_refused(shapes, tiny, limit):
    with pytest.raises(UserError, match=r"^model.family.bounded.limit(=|: )"):
        compose(
            [f"domain={shapes / 'shapes.yaml'}", *tiny, "model.family=bounded", f"model.family.bounded.limit={limit}"]
        )


def test_run_with_all_but_the_shards(shapes, tiny, tmp_path, capsys):
    settings = [
        f"domain={shapes / 'shapes.yaml'}", f"data.root={shapes / 'data'}", f"data.cache={tmp_path / 'cache'}", *tiny,
        "grouping=by_size:2", "training.loss=relativistic", "output.metrics=class_colors", f"output.root={tmp_path}",
        "training.loss.relativistic.r2=0.5", "model.family=bounded", "model.family.bounded.limit=1.5",
    ]  # fmt: skip
    assert main(["fit", *settings]) == 0, capsys.readouterr().err
    (run,) = (tmp_path / "shapes").iterdir()
    assert json.loads((run / "grouping.jsonl").read_text().splitlines()[0])["groups"] == [["ground"], ["ball", "glass"]]
    header = (run / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"score/class_colors", "r2/image", "loss/generator"} <= set(header)
    used = json.loads((run / "plugins.json").read_text())["extensions"]
    assert normalized(used["loss recipe relativistic"]) == "composegan-extensions 0-1" and len(used) == 4
    config = load_config(run / "config.yaml")
    assert config.training.extensions == {"loss.relativistic.r2": 0.5}
    assert main(["fit", f"run={run}", "training.images=10"]) == 0, capsys.readouterr().err
    assert main(["fit", f"run={run}", "training.loss.relativistic.r2=1"]) == 2
    assert "training.loss.relativistic.r2 would change the run" in capsys.readouterr().err
    model = composegan.load(run)
    assert model.family == "bounded" and model.settings["limit"] == 1.5
    image = model.synthesize(100 * torch.ones(1, 16)).image
    assert image.abs().max() <= 1.5
    facts = json.loads((run / "model" / "config.json").read_text())
    facts["generator"]["limit"] = 99
    (run / "model" / "config.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="config.json: .*limit is 99; a number from 1 to 10 is needed"):
        composegan.load(run)
