"""Extensions: registration by kind, use by the settings that name them, and errors that name their distribution."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from composegan.cli import main
from composegan.config.compose import compose, load_config, resolve_paths
from composegan.config.lists import names_in
from composegan.config.schema import Config
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.contracts import EXTENSIONS, KINDS, LOSS, METRIC, source_address
from composegan.plugin.registry import Found


@pytest.fixture
def toys(toys_folder):
    """The folder, added to where plug-ins are searched."""
    registry.add_plugin_path(toys_folder)
    return toys_folder


KINDS_AND_CODE = {
    "composegan.grouping": ("GroupingPolicy(propose=print)", "grouping policy"),
    "composegan.sources": ("DataSource(open=print)", "data source"),
    "composegan.metrics": ("Metric(describe=print, compare=print)", "metric"),
    "composegan.losses": ("LossRecipe(phases=print)", "loss recipe"),
    "composegan.families": (
        "Family(generator_settings=print, generator=print, discriminator=print, check=print)",
        "network family",
    ),
    "composegan.verbs": ("Verb(summary='try', run=print)", "verb"),
}


@pytest.mark.parametrize("kind", EXTENSIONS, ids=lambda kind: kind.word)
def test_extension_is_found_under_its_own_kind_only(site, kind):
    code, word = KINDS_AND_CODE[kind.group]
    entry, path = f"[{kind.group}]\nmine = my_extension:it\n", site.path
    site.distribution("own-1.2.dist-info", entry, my_extension=f"{IMPORT}it = {code}")
    found = registry.find("mine", kind, path)
    assert (found.name, found.distribution, found.version, found.error) == ("mine", "own", "1.2", None)
    assert isinstance(found.plugin, kind.contract) and found.home == "own 1.2" and found.kind.word == word
    assert all(registry.names(other, path) == [] for other in KINDS if other is not kind)
    assert registry.names(kind, path) == ["mine"]
    with pytest.raises(UserError, match=f"no {word} 'mind' is installed; did you mean 'mine'"):
        registry.require("mind", kind, path)


IMPORT = "from composegan.plugin.contracts import *\n"
UNUSABLE = {
    "it = 3": "is a int; a composegan.plugin.Metric is needed",
    "it = LossRecipe(phases=print)": "is a LossRecipe; a composegan.plugin.Metric is needed",
    "it = Metric(describe=print, compare=print, api=9)":
        "made for version 9 of the metric contract; this composegan has 1",
    "it = Metric(describe=3, compare=print)": "UserError: describe is a int; a function is needed",
    "it = Metric(describe=print, compare=print, better='up')": "UserError: better is 'up'; 'lower' or 'higher' is",
}  # fmt: skip


@pytest.mark.parametrize(("code", "reason"), UNUSABLE.items())
def test_unusable_extension_has_its_reason(site, code, reason):
    site.distribution("bad-2.dist-info", f"[{METRIC.group}]\nbad = bad_extension:it\n", bad_extension=IMPORT + code)
    bad = registry.find("bad", METRIC, site.path)
    assert reason in bad.error and bad.plugin is None
    with pytest.raises(UserError, match="^metric 'bad' of bad cannot be used: "):
        registry.require("bad", METRIC, site.path)


def test_names_that_are_taken_or_cannot_be_written_are_errors(site):
    names = "hinge = own_extension:it\npaper = own_extension:it\nmy loss = a:b\n"
    site.distribution("one-1.dist-info", f"[{LOSS.group}]\n{names}")
    site.distribution("two-1.dist-info", f"[{LOSS.group}]\nhinge = own_extension:it\n")
    rows = {(row.name, row.distribution): row.error for row, _ in registry.registered(LOSS)}
    assert rows["hinge", "one"] == "one and two both register 'hinge'; uninstall one"
    assert rows["hinge", "two"] == "two and one both register 'hinge'; uninstall one"
    assert rows["paper", "one"] == "composegan has its own 'paper'; rename it in its entry points"
    assert "cannot be written in a setting" in rows["my loss", "one"]


def test_domains_verb_lists_extensions(toys, capsys):
    assert main(["domains", "extensions=on"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "name kind distribution version status"
    assert "first_alone grouping policy toys 0.7 ok" in lines and "stripes data source toys 0.7 ok" in lines
    assert "mean_color metric toys 0.7 ok" in lines and "doubled loss recipe toys 0.7 ok" in lines
    (gone,) = [line for line in lines if line.startswith("gone")]
    assert "error: toys_extension:nowhere: AttributeError" in gone
    assert main(["domains"]) == 0
    assert "toys" not in capsys.readouterr().out


def test_use_names_the_distribution_in_errors():
    found = Found("mine", "own", "1", print, kind=METRIC)
    with pytest.raises(UserError, match="^metric 'mine' of own failed: ValueError: two lines$"), found.use():
        raise ValueError("two\nlines")
    with pytest.raises(UserError, match="^as it is$"), found.use():
        raise UserError("as it is")
    with pytest.raises(UserError, match="^metric 'mine' of own failed: SystemExit: 0$"), found.use():
        raise SystemExit(0)
    with pytest.raises(KeyboardInterrupt), found.use():
        raise KeyboardInterrupt


def test_source_address_is_not_a_path():
    assert source_address("litdata://s3://bucket/a b") == ("litdata", "s3://bucket/a b")
    assert source_address("litdata:///home/me") == ("litdata", "/home/me")
    assert [source_address(root) for root in (None, "", "/a/b", "a://", "./a://b", "C:\\a")] == [
        None, None, None, ("a", ""), None, None,
    ]  # fmt: skip
    config = Config()
    config.data.root = "litdata://s3://bucket"
    resolve_paths(config)
    assert config.data.root == "litdata://s3://bucket"


def test_names_in_accepts_more_than_all():
    assert names_in("all", ["a", "b"], more=["c"]) == ["a", "b"]
    assert names_in("c,all,b", ["a", "b"], more=["c"]) == ["c", "a", "b"]
    with pytest.raises(UserError, match="there is no 'cc'; did you mean 'ccc'"):
        names_in("all,cc", ["a", "b"], more=["ccc"])


MISTAKES = {
    "grouping=first_alon": "grouping: no grouping policy 'first_alon' is installed; did you mean 'first_alone'?",
    "data.root=stripe://9": "data.root: no data source 'stripe' is installed; did you mean 'stripes'?",
    "output.metrics=FSD,mean_colour": "output.metrics: no metric 'mean_colour' is installed; did you mean 'mean_color'",
    "output.metrics=lightness,FSD": "output.metrics: the first metric selects the checkpoint with its lowest value",
    "training.loss=double": "training.loss: no loss recipe 'double' is installed; did you mean 'doubled'?",
    "training.loss=papr": "training.loss: no loss recipe 'papr' is installed; did you mean 'paper'?",
    "training.loss=gone": "loss recipe 'gone' of toys cannot be used: toys_extension:nowhere: AttributeError",
}


@pytest.mark.parametrize(("setting", "said"), MISTAKES.items())
def test_compose_refuses_unknown_and_unusable_extensions(toys, shapes, setting, said):
    with pytest.raises(UserError) as caught:
        compose([shapes[0], "recipe=quick", setting])
    assert str(caught.value).startswith(said)


def test_compose_loads_named_extensions_only(toys, shapes):
    composed = compose([*shapes, "recipe=quick", "output.metrics=FSD,lightness"])
    assert [(found.kind.word, found.name) for found in composed.extensions] == [("metric", "lightness")]
    assert compose([*shapes, "recipe=quick"]).extensions == []


def plan_of(shapes, grouping, *more):
    from composegan.data import open_source
    from composegan.data.statistics import class_statistics
    from composegan.grouping.propose import propose
    from composegan.planning.budget import Limits

    composed = compose([*shapes, "recipe=quick", f"grouping={grouping}", *more])
    spec, config = composed.plugin.spec, composed.config
    source = open_source(composed.plugin, config.data)
    return propose(config, spec, lambda: class_statistics(source, 3), Limits(config, spec, 2)).to_names(spec.names)


def test_policy_proposes_within_the_budget(toys, shapes):
    assert plan_of(shapes, "first_alone") == [["ground"], ["ball", "glass"]]
    assert plan_of(shapes, "first_alone:asks") == [["ground"], ["ball"], ["glass"]]
    assert plan_of(shapes, "first_alone:asks", "budget.groups=2") == [["ground", "ball", "glass"]]


def test_failing_policy_is_named(toys, shapes):
    blamed = "grouping policy 'first_alone' of toys failed: "
    with pytest.raises(UserError, match=blamed + "ZeroDivisionError: no such thing"):
        plan_of(shapes, "first_alone:fail")
    with pytest.raises(UserError, match=blamed + "SystemExit: 0"):
        plan_of(shapes, "first_alone:exit")
    with pytest.raises(UserError, match="^grouping=first_alone:user: what a policy has to say$"):
        plan_of(shapes, "first_alone:user")
    for argument in ("plain", "few"):
        with pytest.raises(UserError, match=blamed + ".*a GroupingPlan of the 3 classes is needed"):
            plan_of(shapes, f"first_alone:{argument}")
    with pytest.raises(UserError, match="budget.groups=1: grouping=first_alone needs 2 groups"):
        plan_of(shapes, "first_alone", "budget.groups=1")


def source_of(shapes, root):
    from composegan.data import open_source

    composed = compose([shapes[0], "recipe=quick", f"data.root={root}"])
    return open_source(composed.plugin, composed.config.data)


def test_failing_source_is_named(toys, shapes):
    blamed = "data source 'stripes' of toys failed: "
    with pytest.raises(UserError, match=blamed + "OSError: no way there"):
        source_of(shapes, "stripes://fail")
    with pytest.raises(UserError, match="data.root=stripes://0: has no images"):
        source_of(shapes, "stripes://0")
    with pytest.raises(UserError, match=blamed + "KeyError: 'torn'"):
        source_of(shapes, "stripes://3")[0]
    with pytest.raises(UserError, match=blamed + "TypeError: item 0 is a int; a composegan.data.Sample is needed"):
        source_of(shapes, "stripes://5")[0]


def test_source_gives_the_same_samples_in_workers(toys, shapes):
    from composegan.data import training_loader

    source = source_of(shapes, "stripes://a/b/9")
    assert len(source) == 9 and source[2].labels.max() == 2
    settings = {"classes": 3, "batch": 4, "height": 16, "width": 16, "seed": 1}
    here, there = (iter(training_loader(source, workers=workers, **settings)) for workers in (0, 1))
    for _ in range(3):
        one, other = next(here), next(there)
        assert (one["image"] == other["image"]).all() and (one["position"] == other["position"]).all()


def test_source_can_be_packed_and_checked(toys, shapes, tmp_path, capsys):
    from composegan.config.schema import DataConfig
    from composegan.data import PackedSource
    from composegan.devkit import open_subject

    data = ["data.root=stripes://4", "data.height=16", "data.width=16"]
    assert main(["prepare", shapes[0], *data, f"out={tmp_path / 'packed'}"]) == 0, capsys.readouterr().err
    assert len(PackedSource(tmp_path / "packed")) == 4
    subject = open_subject(shapes[0].removeprefix("domain="), DataConfig(root="stripes://4"))
    assert subject.readings["data.root"].count == 4


def test_loss_recipe_gives_the_phases(toys):
    from composegan.config.schema import AdaptConfig, TrainingConfig
    from composegan.training.objective import objective

    assert [phase.name for phase in objective(TrainingConfig(loss="doubled"))] == ["Dmain", "Dreg", "Gmain", "Greg"]
    assert [phase.name for phase in objective(TrainingConfig(loss="doubled", r1_every=0))] == ["Dmain", "Gmain", "Greg"]
    with pytest.raises(UserError, match="training.loss=lame of toys: a phase 'Gmain' is needed that trains the gen"):
        objective(TrainingConfig(loss="lame"))
    with pytest.raises(UserError, match="loss recipe 'wrong' of toys failed: TypeError: its phases are not all "):
        objective(TrainingConfig(loss="wrong"))
    with pytest.raises(UserError, match="training.loss=lame: toys has no form of it for images without masks; train"):
        objective(TrainingConfig(loss="lame"), AdaptConfig(source="model"))
    assert len(objective(TrainingConfig(loss="doubled"), AdaptConfig(source="model"))) == 4


@pytest.fixture
def settings(toys, shapes):
    """Of a run that uses one of each."""
    return [
        shapes[0], f"plugin_path={toys}", "data.root=stripes://9", "grouping=first_alone",
        "output.metrics=mean_color,sliced_wasserstein,lightness", "training.loss=doubled",
    ]  # fmt: skip


def test_run_uses_records_and_reloads_extensions(settings, toys, fit, resume, capsys, tmp_path, new_process):
    run = fit(*settings, "training.images=8")
    assert "grouping=first_alone: ground; ball, glass" in capsys.readouterr().out
    assert json.loads((run / "plugins.json").read_text())["extensions"] == {
        "grouping policy first_alone": "toys 0.7",
        "data source stripes": "toys 0.7",
        "metric mean_color": "toys 0.7",
        "metric lightness": "toys 0.7",
        "loss recipe doubled": "toys 0.7",
    }
    header, *_, last = (run / "metrics.csv").read_text().splitlines()
    figures = dict(zip(header.split(","), last.split(","), strict=True))
    assert float(figures["loss/doubled"]) == pytest.approx(float(figures["loss/discriminator"]) * 2, rel=1e-4)
    assert float(figures["score/mean_color"]) == float(figures["score/lightness"]) > 0
    assert load_config(run / "config.yaml").data.root == "stripes://9"

    new_process()
    resume(run, "training.images=12")
    assert f"{run / 'config.yaml'}: using the plug-ins in plugin_path={toys}\n" in capsys.readouterr().out
    moved = tmp_path / "elsewhere"
    shutil.move(toys, moved)
    new_process()
    with pytest.raises(UserError, match="plugin_path=.*toys: there is no such folder"):
        resume(run, "training.images=16")
    resume(run, "training.images=16", f"plugin_path={moved}")
    assert (run / "samples" / "000016.png").is_file()


@pytest.mark.parametrize("verb", ["fit", "adapt", "evaluate"])
def test_plugin_path_of_a_run_is_announced_by_every_verb_that_uses_it(toys_folder, whole_run, verb, tmp_path, capsys):
    run = shutil.copytree(whole_run, tmp_path / "run")
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("plugin_path: null", f"plugin_path: {toys_folder}"))
    assert main([verb, f"run={run}", "data.root=nowhere"]) == 2
    line = f"{run / 'config.yaml'}: using the plug-ins in plugin_path={toys_folder}\n"
    assert capsys.readouterr().out.startswith(line)
    assert sys.path[-1] == str(toys_folder)


def test_evaluate_computes_named_metrics(toys, whole_run, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    common = ["evaluate", f"run={whole_run}", "n=8", f"out={tmp_path / 'out'}", f"data.cache={tmp_path / 'cache'}"]
    assert main([*common, f"plugin_path={toys}", "metrics=FSD,mean_color,lightness"]) == 0, capsys.readouterr().err
    figures = {item["name"]: item for item in json.loads((tmp_path / "out" / "evaluation.json").read_text())["figures"]}
    assert list(figures) == ["FSD", "mean_color", "lightness"]
    of = figures["mean_color"]
    assert (of["better"], of["images"], of["real_images"], of["note"]) == ("lower", 8, 7, "of toys 0.7")
    assert figures["lightness"]["better"] == "higher"
    assert of["value"] > of["halves"] > 0
    assert main([*common, f"plugin_path={toys}", "metrics=mean_colour"]) == 2
    assert capsys.readouterr().err.endswith(": there is no 'mean_colour'; did you mean 'mean_color'?\n")
    assert main([*common, f"plugin_path={toys}", "metrics=shapeless", "overwrite=on"]) == 2
    assert "metric 'shapeless' of toys failed: TypeError: describe returned (7, 3, 16, 16)" in capsys.readouterr().err


def test_adaptation_refuses_metrics_that_need_masks(toys, shapes):
    with pytest.raises(UserError, match="output.metrics: mean_color may look at masks, and the images have none"):
        compose([*shapes, "recipe=quick", "adapt.source=somewhere", "output.metrics=mean_color"])


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ("say times=3 word=ho", 0, "ho ho ho\n"),
        ("say word=three", 3, "three three\n"),
        ("--help", 0, "\n  say          of toys 0.7\n"),
        ("help say", 0, "times=2  whole number, 1 to 9  how often"),
        ("say --help", 0, "times=2  whole number, 1 to 9  how often"),
        ("say times=0", 2, "times=0: must be 1 to 9"),
        ("say tims=3", 2, "unknown key 'tims'; did you mean 'times'?"),
        ("sya", 2, "unknown verb 'sya'; did you mean 'say'?"),
        ("echo --help", 0, "help for ['plugin_path="),
        ("echo a b=c", 0, "['a', 'b=c', 'plugin_path="),
    ],
)
def test_verb_of_a_folder_that_is_not_installed(toys_folder, arguments, status, said, capsys):
    assert main([*arguments.split(), f"plugin_path={toys_folder}"]) == status
    assert said in "".join(capsys.readouterr())
