"""Settings of extensions: from arguments, recipes and files to an instance, and back into config.yaml."""

import re

import pytest

from composegan.api.fit import as_arguments
from composegan.cli import main
from composegan.config.compose import compose, compose_for_run, load_config, write_config
from composegan.config.extensions import extension, extension_schemas
from composegan.config.schema import Config
from composegan.errors import UserError
from composegan.plugin import registry
from tests.helpers import refused


@pytest.fixture
def toys(toys_folder, pets):
    """Arguments that use the domain of pets and the plug-in of toys."""
    return [f"domain={pets}", f"plugin_path={toys_folder}"]


HINGE = "training.loss=hinge"


def test_settings_are_typed_complete_and_bound(toys):
    config = compose([*toys, HINGE, "training.loss.hinge.margin=2"]).config
    assert config.training.extensions == {"loss.hinge.margin": 2.0, "loss.hinge.reduce": "mean"}
    settings = extension(config.training, "loss").plugin.phases(config.training)
    assert (settings.margin, settings.reduce) == (2.0, "mean")


def test_help_finds_extensions_of_the_plugin_path(toys, capsys):
    assert main(["fit", toys[1], HINGE, "--help"]) == 0
    assert "training.loss.hinge.margin=1.0" in capsys.readouterr().out


def test_several_extensions_of_one_setting_have_their_own(toys):
    config = compose([*toys, "output.metrics=FSD,far.off", "output.metrics.far.off.margin=3"]).config
    assert config.output.extensions == {"metrics.far.off.margin": 3.0, "metrics.far.off.reduce": "mean"}
    assert extension(config.output, "metrics", "far.off").plugin.compare(0, 0) == 3.0


@pytest.mark.parametrize(
    ("settings", "arguments"),
    [
        ({"loss": "hinge", "margin": 2}, ["training.loss=hinge", "training.loss.hinge.margin=2"]),
        ({"margin": 2, "loss": "hinge"}, ["training.loss.hinge.margin=2", "training.loss=hinge"]),
        ({"loss": "hinge", "hinge.margin": 2}, ["training.loss=hinge", "training.loss.hinge.margin=2"]),
        (
            {"output": {"metrics": "far.off"}, "margin": 2},
            ["output.metrics=far.off", "output.metrics.far.off.margin=2"],
        ),
        ({"loss": "hinge", "metrics": "far.off", "margin": 2}, "margin: several settings end in this; write "),
        ({"loss": "hinge", "margn": 2}, "unknown key 'margn'; did you mean 'training.loss.hinge.margin'?"),
        ({"loss": "paper", "margin": 2}, "unknown key 'margin'"),
    ],
)
def test_keywords_of_fit_reach_settings_of_extensions(toys, settings, arguments):
    registry.add_plugin_path(toys[1].removeprefix("plugin_path="))
    if isinstance(arguments, list):
        assert as_arguments(settings) == arguments
    else:
        with pytest.raises(UserError, match=re.escape(arguments)):
            as_arguments(settings)


def test_settings_of_a_recipe_count_only_while_it_names_the_extension(toys, pets):
    recipe = "training: {loss: hinge, loss.hinge.margin: 5"
    pets.write_text(pets.read_text().replace("training: {images: 800", recipe + ", images: 800"))
    assert compose(toys).config.training.extensions["loss.hinge.margin"] == 5.0
    assert compose([*toys, "training.loss=paper"]).config.training.extensions == {}


def test_settings_are_kept_in_the_configuration_and_decide_what_resumes(toys, tmp_path):
    config = compose([*toys, HINGE, "training.loss.hinge.margin=2", "output.metrics=FSD,far.off"]).config
    write_config(tmp_path / "config.yaml", config)
    assert load_config(tmp_path / "config.yaml") == config
    assert compose_for_run(tmp_path, ["training.loss.hinge.margin=2"]).config == config
    assert compose_for_run(tmp_path, ["output.metrics.far.off.margin=9"]).config.output.extensions != {}
    with pytest.raises(UserError, match="^training.loss.hinge.margin would change the run"):
        compose_for_run(tmp_path, ["training.loss.hinge.margin=3"])


def test_a_configuration_without_extensions_does_not_mention_them(tmp_path):
    write_config(tmp_path / "config.yaml", Config())
    assert "extensions" not in (tmp_path / "config.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([HINGE, "training.loss.hinge.margn=2"],
         "unknown key 'training.loss.hinge.margn'; did you mean 'training.loss.hinge.margin'?"),
        ([HINGE, "training.loss.hinge.margin=far"], "training.loss.hinge.margin: number needed, found 'far'"),
        ([HINGE, "training.loss.hinge.margin=0"], "training.loss.hinge.margin=0.0: must be above 0"),
        ([HINGE, "training.loss.hinge.reduce=men"], "training.loss.hinge.reduce=men: did you mean 'mean'?"),
        (["training.loss.hinge.margin=2"], "training.loss.hinge.margin: training.loss does not name that loss recipe"),
        (["training.loss=lame", "training.loss.lame.x=1"],
         "training.loss.lame.x: loss recipe 'lame' has no settings"),
        (["training.loss.paper.x=1"], "training.loss.paper.x: loss recipe 'paper' has no settings"),
        (["training.loss.hinge=1"], "training.loss has no 'training.loss.hinge'; it is a value"),
        (["training.loss=broken"], "loss recipe 'broken' of toys cannot be used: toys_broken:it: UserError: "
         "settings is 3; a dataclass is needed"),
    ],
)  # fmt: skip
def test_mistakes_name_the_setting_and_the_remedy(toys, arguments, said):
    assert refused(compose, [*toys, *arguments]) == said


def test_help_lists_the_settings_of_named_extensions(toys):
    registry.add_plugin_path(toys[1].removeprefix("plugin_path="))
    assert [prefix for prefix, _ in extension_schemas(Config, [HINGE, "seed=1"])] == ["training.loss.hinge."]
    assert list(extension_schemas(Config, ["training.loss=lame"])) == []
    assert list(extension_schemas(Config, ["grouping=[[a,b],[c]]"])) == []
