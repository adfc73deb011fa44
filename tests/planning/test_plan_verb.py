"""`composegan plan`: the table, the choice, the reason, and budgets that no plan meets."""

import re

import pytest

from composegan.cli import main
from composegan.config.compose import compose, load_config
from composegan.errors import UserError
from composegan.planning import cost, table
from composegan.planning import measure as measuring
from composegan.planning.budget import Limits, amount, in_words
from composegan.planning.cost import estimate
from composegan.planning.measure import Measured
from composegan.planning.table import differences
from composegan.plugin.grouping_plan import GroupingPlan

ESTIMATES = {}


@pytest.fixture(autouse=True)
def estimate_once(monkeypatch):
    """An estimate takes a second, and these tests need the same ones again and again."""

    def estimate_once(config, spec, plan, batch, class_sets=None):
        key = repr((config.model, config.training, plan, batch, class_sets and class_sets.sets.tolist()))
        if key not in ESTIMATES:
            ESTIMATES[key] = estimate(config, spec, plan, batch, class_sets)
        return ESTIMATES[key]

    monkeypatch.setattr(cost, "estimate", estimate_once)
    monkeypatch.setattr(cost, "STEPS", 50)


@pytest.fixture
def settings(recipe, tmp_path):
    return [*recipe, f"output.root={tmp_path / 'runs'}", f"data.cache={tmp_path / 'cache'}"]


@pytest.fixture
def plan(settings, capsys):
    """(arguments...) -> (exit status, lines of standard output, the error line) of the verb."""

    def plan(*arguments):
        status = main(["plan", *settings, *arguments])
        out, err = capsys.readouterr()
        return status, out.splitlines(), next((x for x in err.splitlines() if x.startswith("composegan: ")), "")

    return plan


def test_plan_prints_table_choice_and_reason(plan, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(measuring, "PATIENCE", 0.0)
    status, lines, _ = plan("grouping=affinity:2", "measure=on", "budget.memory=24GB")
    assert status == 0
    header, *rows = lines[: lines.index("")]
    assert re.split(r"  +", header)[:2] == ["grouping", "groups"] and header.endswith("ms/step  within budget")
    assert [row.split()[:2] for row in rows] == [["per_class", "3"], ["affinity:2", "2"], ["single", "1"]]
    assert all(row.endswith("  yes") for row in rows)
    off = next(line for line in lines if line.startswith("estimates differ"))
    parameters, saved = re.findall(r"(?:parameters|activations) (\d+\.\d)%", off)
    assert float(parameters) == 0 and float(saved) < 15
    assert any(re.match(r"chosen: affinity:2, as given; within budget.memory=24GB: \d+ KB of m", x) for x in lines)

    groups = lines[lines.index("grouping=affinity:2 within the budget means:") + 1 :]
    assert main(["fit", *settings, "grouping=affinity:2", "training.images=4"]) == 0
    (run,) = (tmp_path / "runs" / "shapes").iterdir()
    assert load_config(run / "config.yaml").grouping == [line.strip().split(", ") for line in groups]
    assert main(["fit", f"run={run}", "training.images=8"]) == 0


def test_plan_explains_its_choice(plan, settings):
    spec = compose(settings).plugin.spec
    limits = Limits(compose(settings).config, spec, 2)
    plans = (((0,), (1,), (2,)), ((0, 1), (2,)), ((0, 1, 2),))
    costs = [limits.cost(GroupingPlan(groups)).generator for groups in plans]
    assert costs == sorted(costs, reverse=True)
    _, lines, _ = plan()
    assert "chosen: affinity:1; without a budget, as many groups as a third of the classes" in lines
    _, lines, _ = plan(f"budget.parameters={costs[0] / 1e6}")
    assert any(re.match(r"chosen: per_class, a group for every class, which is within budget.para", x) for x in lines)
    assert lines[-1] == "  each class by itself"
    _, lines, _ = plan(f"budget.parameters={costs[1] / 1e6}")
    chosen = r"chosen: affinity:2, the most groups of similar classes within .*; 3 groups would need 0.0\d M p"
    assert any(re.match(chosen, line) for line in lines)
    (first,) = (line for line in lines if line.startswith("per_class"))
    assert re.search(r"no: 0.0\d M parameters$", first)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["budget.parameters=0.001"], r"budget.parameters=0.001: no plan meets it; the smallest, one group for all "
                                      r"classes, needs 0.0\d M parameters$"),
        (["budget.parameters=0.001", "budget.memory=1KB"],
         r"budget.parameters=0.001, budget.memory=1KB: no plan meets it; the smallest, .* M parameters, [\d.]+ [KM]B"),
        (["grouping=per_class", "budget.groups=2"],
         r"budget.groups=2: grouping=per_class needs 3 groups; grouping=affinity takes as many as fit$"),
        pytest.param(
            ["grouping=progressive", "budget.memory=1KB"], r"budget.memory=1KB: no plan meets it; the smallest, ",
            marks=pytest.mark.slow,
        ),
        (["budget.milliseconds=5"], r"budget.milliseconds=5: must be measured; run `composegan plan ... measure=on`"),
        (["budget.milliseconds=0"], r"budget.milliseconds=0.0: must be above 0"),
        (["budget.memory=lots"], r"budget.memory=lots: an amount of memory is needed, as in budget.memory=24GB"),
        (["measure=maybe"], r"measure: on or off needed, found 'maybe'"),
    ],
)  # fmt: skip
def test_plan_refuses_budget_that_no_plan_meets(plan, arguments, said):
    status, _, error = plan(*arguments)
    assert status == 2 and re.match(f"composegan: {said}", error), error


def test_plan_prints_table_before_refusing_budget(plan):
    status, lines, error = plan("budget.memory=1KB")
    assert status == 2 and any(line.startswith("single") and "no: " in line for line in lines)
    said = r"composegan: budget.memory=1KB: no plan meets it; the smallest, .*, needs [\d.]+ [KM]B of memory$"
    assert re.match(said, error), error


def test_refusal_names_batch_that_fits(settings):
    composed = compose([*settings, "training.batch=8"])
    config, spec, single = composed.config, composed.plugin.spec, GroupingPlan.single(3)
    config.budget.memory = f"{Limits(config, spec, 4).cost(single).memory / 1e6 + 0.001:.3f}MB"
    limits = Limits(config, spec, 8)
    with pytest.raises(UserError, match=r"with 4 pictures per device instead of 8 it needs \d+ KB|\d\.\d\d MB"):
        raise limits.refusal([GroupingPlan.per_class(3), single])


@pytest.mark.parametrize("grouping", ["per_class", "progressive"])
def test_fit_respects_budget(settings, grouping, tmp_path, capsys):
    assert main(["fit", *settings, f"grouping={grouping}", "budget.memory=1KB"]) == 2
    assert "budget.memory=1KB: " in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_plan_chooses_by_measured_milliseconds(plan, monkeypatch):
    """A clock by which a step takes 100 ms a group."""

    def clocked(config, spec, plan, batch, class_sets, done):
        found = cost.estimate(config, spec, plan, batch)
        return Measured(found.generator, found.local, found.saved_local, found.memory, 0.1 * len(plan.groups))

    monkeypatch.setattr(table, "measure", clocked)
    status, lines, _ = plan("measure=on", "budget.milliseconds=250")
    reason = "chosen: affinity:2, the most groups of similar classes within budget.milliseconds=250.0: 200 ms per step"
    assert status == 0 and any(line.startswith(f"{reason}; 3 groups would need 300 ms per step") for line in lines)
    status, _, error = plan("measure=on", "budget.milliseconds=50")
    assert status == 2 and error.endswith("the smallest, one group for all classes, needs 100 ms per step")


def test_plan_does_not_run_what_exceeds_free_memory(plan, monkeypatch):
    monkeypatch.setattr(table, "free_memory", lambda device: 1000)
    status, _, error = plan("measure=on")
    assert status == 2
    assert re.search(r"measure=on: a step needs .* of memory, and 1 KB are free; lower training.batch", error)


def test_estimates_account_for_class_sets(plan):
    _, lines, _ = plan("training.class_sets=data")
    assert any(re.match(r"training.class_sets=data: \d.\d of 3 classes per picture", line) for line in lines)


def test_plan_shows_the_first_and_last_groups_of_progressive(plan):
    _, lines, _ = plan("training.images=12000", "grouping=progressive", "budget.groups=2")
    rows = [line.split()[:2] for line in lines[: lines.index("")]]
    assert ["single", "1"] in rows and "2" in [groups for _, groups in rows]
    said = "\n".join(lines[lines.index("grouping=progressive within the budget means:") :])
    assert "one group for all classes" in said and "every 6,000 images" in said and "2 groups" in said


def test_differences_reports_largest_deviation():
    def row(guess, real):
        return table.Row("x", GroupingPlan.single(1), *(Measured(10, 1, n, 100, 1.0) for n in (guess, real)), {})

    assert differences([row(11, 10), row(10, 10)]) == [
        "estimates differ from measurements by at most: parameters 0.0%, saved activations 10.0%, memory 0.0%"
    ]


def test_amounts_and_budgets_in_words(settings):
    assert [amount(n) for n in (999, 4_321_000, 23_456_000, 216_000_000, 33_040_000_000)] == [
        "1 KB", "4.32 MB", "23.5 MB", "216 MB", "33.0 GB",
    ]  # fmt: skip
    assert in_words(compose([*settings, "budget.groups=3", "budget.memory=24GB"]).config.budget) == (
        "budget.groups=3 budget.memory=24GB"
    )
