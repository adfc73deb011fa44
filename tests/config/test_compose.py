"""Configurations from recipes, files and arguments, for new runs and for resumed ones."""

import re
import sys
from dataclasses import fields, replace

import pytest

from composegan.config.compose import compose, compose_for_run, load_config, read_arguments, write_config
from composegan.config.schema import Config
from composegan.errors import UserError
from composegan.plugin.recipes import common_recipes
from composegan.verbs.sample import Sample
from tests.helpers import refused


def test_command_line_overrides_recipe_overrides_schema(pets):
    config = compose([f"domain={pets}", "recipe=wide", "data.width=128", "training.mixing=.5"]).config
    assert isinstance(config, Config)
    assert (config.data.height, config.data.width) == (128, 128)
    assert (config.training.batch, config.training.mixing) == (4, 0.5)
    assert config.training.images == Config().training.images
    assert config.recipe == "wide"


def test_recipe_of_a_domain_extends_the_common_one(pets):
    config = compose([f"domain={pets}", "recipe=quick"]).config
    quick = common_recipes()["quick"].overrides
    assert config.training.images == 800
    assert config.training.batch == quick["training"]["batch"]
    assert config.data.height == quick["data"]["height"]


def test_default_recipe_is_announced_with_the_others(pets):
    composed = compose([f"domain={pets}"])
    assert composed.config.recipe == "quick"
    assert composed.notes[0].startswith("recipe=quick (the default): ")
    assert "  recipe=wide: 128x192, for one GPU" in composed.notes
    assert compose([f"domain={pets}", "recipe=quick"]).notes == []
    changed = compose([f"domain={pets}", "data.height=32", "data.width=32", "seed=2"]).notes[0]
    assert changed == "recipe=quick (the default): with other data.height, data.width"


def test_composed_keeps_the_arguments(pets):
    arguments = [f"domain={pets}", "seed=1"]
    composed = compose(arguments)
    assert composed.overrides == arguments
    assert composed.plugin.spec.names == ("background", "cat", "glass")
    assert (composed.plugin.spec.title, composed.plugin.dataset, composed.plugin.demo) == ("Pets", None, None)


@pytest.mark.parametrize(
    ("argument", "key", "value"),
    [
        ("data.flip=on", "data.flip", True),
        ("data.flip=yes", "data.flip", True),
        ("model.recompute=off", "model.recompute", False),
        ("training.images=1e3", "training.images", 1000),
        ("training.learning_rate=1e-3", "training.learning_rate", 0.001),
        ("training.discriminator_learning_rate=null", "training.discriminator_learning_rate", None),
        ("training.precision=32", "training.precision", "32"),
        ("trainer.devices=auto", "trainer.devices", "auto"),
        ("trainer.devices=2", "trainer.devices", "2"),
        ("output.root=a b=ü", "output.root", "a b=ü"),
        ("grouping=[[background,cat],[glass]]", "grouping", [["background", "cat"], ["glass"]]),
        ("grouping=single", "grouping", "single"),
    ],
)
def test_values_have_the_type_of_their_setting(pets, argument, key, value):
    config = compose([f"domain={pets}", argument]).config
    section, _, name = key.rpartition(".")
    result = getattr(getattr(config, section) if section else config, name)
    assert result == value
    assert type(result) is type(value)


def test_index_replaces_an_item_of_a_list(pets):
    arguments = ["grouping=[[background],[cat],[glass]]", "grouping[0][0]=cat", "grouping.1=[background]"]
    assert compose([f"domain={pets}", *arguments]).config.grouping == [["cat"], ["background"], ["glass"]]


def test_last_value_of_a_repeated_key_counts(pets):
    assert compose([f"domain={pets}", "seed=1", "seed=2"]).config.seed == 2
    assert compose(["domain=nowhere", f"domain={pets}", "seed=abc", "seed=2"]).config.seed == 2


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("batch=4", "unknown key 'batch'; did you mean 'training.batch'?"),
        ("training.batch=four", "training.batch: whole number needed, found 'four'"),
        ("training.batch=4.5", "training.batch: whole number needed, found '4.5'"),
        ("data.flip=maybe", "data.flip: on or off needed, found 'maybe'"),
        ("model=small", "'model' is a section"),
        ("seed.x=3", "seed has no 'seed.x'; it is a value"),
        ("seed.0=3", "seed.0: seed is 0, which has no such item"),
        ("grouping.0=[cat]", "grouping.0: grouping is per_class, which has no such item"),
        ("data.root=${oc.env:HOME}", "data.root: '${oc.env:HOME}' is not expanded; write the value itself"),
        ("grouping=[[cat", "grouping: '[[cat' is neither a name nor a list"),
        ("--training.batch=4", "settings have no dashes; write training.batch=4"),
        ("training.batch", "'training.batch' is not key=value"),
        ("recipe=wid", "domain 'pets' has no recipe 'wid'; did you mean 'wide'?"),
        ("data.height=100", "data.height=100: the shorter side must be a power of two"),
        ("", "'' is not key=value"),
    ],
)
def test_mistakes_give_one_line(pets, argument, said):
    assert said in refused(compose, [f"domain={pets}", "recipe=wide", argument])


@pytest.mark.parametrize("key", ["grouping.3", "grouping.7.0", "grouping.0.1", "grouping.0.0.0"])
def test_index_beyond_the_list_is_refused(pets, key):
    said = f"{key}: grouping is [['background'], ['cat'], ['glass']], which has no such item"
    assert refused(compose, [f"domain={pets}", "grouping=[[background],[cat],[glass]]", f"{key}=[cat]"]) == said


def test_missing_and_unknown_domains_are_refused(tmp_path):
    assert refused(compose, []).startswith("which domain? write domain=NAME or domain=FILE.yaml; there are: ")
    assert refused(compose, ["domain=no_such_domain"]).startswith("no domain 'no_such_domain' is installed; ")
    assert "nowhere.yaml: does not exist" in refused(compose, [f"domain={tmp_path}/nowhere.yaml"])


def test_mistake_in_a_recipe_names_recipe_and_domain(pets):
    pets.write_text(pets.read_text() + "default_recipe: wide\n")
    pets.write_text(pets.read_text().replace("training.batch: 4", "training: {batch: four}"))
    said = f"{pets}: recipe 'wide' of domain 'pets': training.batch: whole number needed, found 'four'"
    assert refused(compose, [f"domain={pets}"]) == said
    pets.write_text(pets.read_text().replace("{batch: four}", "{bacth: 4}"))
    said = f"{pets}: recipe 'wide' of domain 'pets': unknown key 'training.bacth'; "
    assert refused(compose, [f"domain={pets}"]).startswith(said)
    pets.write_text(pets.read_text().replace("training: {bacth: 4}", "training.batch: -4"))
    said = f"{pets}: recipe 'wide' of domain 'pets': training.batch=-4: "
    assert refused(compose, [f"domain={pets}"]).startswith(said)
    assert refused(compose, [f"domain={pets}", "training.batch=-5"]).startswith("training.batch=-5: ")


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("key", ["plugin_path", "domain", "recipe", "output.root", "data.cache"])
def test_recipe_cannot_choose_code_or_places(pets, key, nested):
    section, _, name = key.rpartition(".")
    line = f"{section}: {{{name}: data/p}}" if nested and section else f"{key}: data/p"
    pets.write_text(pets.read_text().replace("    data: {height: 128, width: 192}", f"    {line}"))
    said = f"{pets}: recipe 'wide' of domain 'pets': {key}: cannot be set by a recipe; remove it, and give {key}=..."
    for arguments in ([], [f"{key}=elsewhere"] * ("." in key)):
        assert refused(compose, [f"domain={pets}", *arguments, "recipe=wide"]).startswith(said)
    assert compose([f"domain={pets}", "recipe=quick"]).config.training.images == 800


def test_paths_are_made_absolute(pets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    config = compose(["domain=./pets.yaml", "data.root=~/images", "data.cache=kept"]).config
    assert config.domain == str(pets)
    assert config.data.root == str(tmp_path / "images")
    assert config.data.cache == str(tmp_path / "kept")
    assert config.output.root == "runs"
    assert compose(["domain=~/pets.yaml", "output.root=~/runs"]).config.output.root == str(tmp_path / "runs")


def test_domain_file_without_suffix_or_folder_is_offered(pets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refused(compose, ["domain=pets"]).endswith("; for a file write domain=./pets.yaml")


def test_configuration_round_trip(pets, tmp_path):
    config = compose(
        [f"domain={pets}", "grouping=[[background,cat],[glass]]", "data.root=/größe/on", "training.learning_rate=1e-05"]
    ).config
    write_config(tmp_path / "config.yaml", config)
    assert load_config(tmp_path / "config.yaml") == config
    write_config(tmp_path / "config.yaml", Config())
    assert load_config(tmp_path / "config.yaml") == Config()


def test_missing_settings_of_a_file_have_defaults(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 3\ndata: {height: 64}\n")
    config = load_config(tmp_path / "config.yaml")
    assert config == Config(seed=3, data=replace(Config().data, height=64))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[1, 2]\n", "config.yaml: is not a configuration"),
        ("", "config.yaml: is not a configuration"),
        ("data: {hight: 3}\n", "config.yaml: unknown key 'data.hight'; did you mean 'data.height'?"),
        ("data: 3\n", "config.yaml: 'data' is a section"),
        ("seed: {a: 3}\n", "config.yaml: seed has no 'seed.a'; it is a value"),
        ("seed: [3]\n", "config.yaml: seed: whole number needed, found [3]"),
        ("1: 3\n", "config.yaml: unknown key '1'"),
    ],
)
def test_load_config_refuses_other_files(tmp_path, content, said):
    (tmp_path / "config.yaml").write_text(content)
    assert said in refused(load_config, tmp_path / "config.yaml")


@pytest.fixture
def run(pets, tmp_path):
    folder = tmp_path / "runs" / "pets" / "now"
    folder.mkdir(parents=True)
    write_config(folder / "config.yaml", compose([f"domain={pets}", "training.batch=4"]).config)
    return folder


def test_run_resumes_with_its_own_configuration(run):
    composed = compose_for_run(run, [])
    assert composed.config == load_config(run / "config.yaml")
    assert composed.plugin.spec.name == "pets"
    assert (composed.overrides, composed.notes) == ([], [])


def test_run_resumes_with_resumable_settings(run, pets, monkeypatch):
    arguments = ["training.images=1e6", "trainer.threads=2", "output.samples=8", "data.workers=0", "data.root=/x"]
    monkeypatch.chdir(pets.parent)
    same = ["training.batch=4", "domain=./pets.yaml", "recipe=quick"]
    config = compose_for_run(run, [*arguments, *same, "data.on_error=skip"]).config
    assert (config.training.images, config.training.batch, config.data.root) == (1_000_000, 4, "/x")
    assert (config.trainer.threads, config.output.samples, config.data.workers) == (2, 8, 0)


def test_folder_of_plugins_that_only_config_yaml_names_is_announced_before_use(run, tmp_path, new_process, capsys):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "zz.py").write_text("print('code runs')\nplugin = 1\n")
    (tmp_path / "p" / "torch.py").write_text("raise SystemExit('not torch')\n")
    config = (run / "config.yaml").read_text()
    config = config.replace("plugin_path: null", f"plugin_path: {tmp_path / 'p'}")
    (run / "config.yaml").write_text(re.sub("domain: .*", "domain: zz", config))
    before = list(sys.path)
    with pytest.raises(UserError, match="zz:plugin is a int"):
        compose_for_run(run, [])
    line = f"{run / 'config.yaml'}: using the plug-ins in plugin_path={tmp_path / 'p'}"
    assert capsys.readouterr().out == f"{line}\ncode runs\n"
    assert sys.path == [*before, str(tmp_path / "p")]
    new_process()
    with pytest.raises(UserError, match="zz:plugin is a int"):
        compose_for_run(run, [f"plugin_path={tmp_path / 'p'}"])
    assert capsys.readouterr().out == "code runs\n"


@pytest.mark.parametrize(
    "argument", ["training.batch=8", "data.height=128", "seed=1", "recipe=wide", "grouping=single", "domain=faces"]
)
def test_run_refuses_settings_that_would_change_it(run, argument):
    line = refused(compose_for_run, run, [argument])
    assert line.startswith(f"{argument.partition('=')[0]} would change the run {run}; ")


def test_resuming_reports_other_mistakes(run, pets):
    def told(*arguments):
        return refused(compose_for_run, run, arguments)

    assert "did you mean 'training.batch'" in told("batch=3")
    assert "must be 0 to 256" in told("data.workers=-1")
    saved = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(saved.replace("devices: auto", "devices: many"))
    assert "config.yaml: trainer.devices=many: " in told()
    assert told("trainer.devices=few").startswith("trainer.devices=few: ")
    (run / "config.yaml").write_text("domain: [\n")
    assert "config.yaml, line 2: " in told()
    (run / "config.yaml").write_text(saved)
    pets.unlink()
    assert "pets.yaml: does not exist" in told()


def test_read_arguments_of_a_small_schema():
    config = read_arguments(Sample, ["n=1e2", "truncation=1", "out="], see="composegan sample --help")
    assert config == Sample(n=100, truncation=1.0, out=None)
    assert {item.name for item in fields(config)} >= {"run", "n"}
    with pytest.raises(UserError, match="unknown key 'truncaton'; did you mean 'truncation'"):
        read_arguments(Sample, ["truncaton=1"], see="composegan sample --help")
    with pytest.raises(UserError, match="unknown key 'zzz'; `composegan sample --help` lists"):
        read_arguments(Sample, ["zzz=1"], see="composegan sample --help")
