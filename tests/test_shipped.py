"""Models that come with the package: their files, `composegan models`, and `model=NAME` wherever a model is taken."""

import pkgutil
import shutil
import tomllib
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path

import pytest
import torch

import composegan
from composegan import shipped, verbs
from composegan.cli import main
from composegan.plugin import registry
from composegan.plugin.contracts import DOMAIN
from composegan.runs.adapt import compose_adaptation
from composegan.shipped import CARD, CONFIG, HOME, LARGEST, WEIGHTS, model_folder
from composegan.verbs.base import ModelCommand
from tests.helpers import refused

NAMES = shipped.names()
PROJECT = Path(__file__).parents[1] / "pyproject.toml"


@pytest.mark.parametrize("name", NAMES)
def test_files_of_a_model_are_complete_small_and_packaged(name):
    files = {path.name: path.stat().st_size for path in (HOME / name).iterdir()}
    assert files.keys() - {"encoder.safetensors"} == {CONFIG, WEIGHTS, CARD}
    assert sum(files.values()) <= LARGEST
    patterns = tomllib.loads(PROJECT.read_text())["tool"]["setuptools"]["package-data"]["composegan.shipped"]
    assert all(any(fnmatchcase(f"{name}/{file}", pattern) for pattern in patterns) for file in files)


@pytest.mark.parametrize("name", NAMES)
def test_model_loads_as_its_facts_and_card_say(name):
    facts, model = composegan.models()[name], composegan.load(name)
    assert registry.is_own(model.domain, DOMAIN) and model.domain == facts.domain
    assert (model.classes, model.generator.height, model.generator.width) == (facts.classes, facts.height, facts.width)
    assert facts.parameters == sum(parameter.numel() for parameter in model.generator.parameters())
    assert all(tensor.dtype == torch.float32 for tensor in model.generator.parameters())
    for text in ("no photographs", "composegan fit domain=", "## Figures", "## Intended use and limits", "## Licence"):
        assert text in facts.card
    assert facts.card.startswith(f"# {name}\n") and f"{facts.images_seen:,}" in facts.card


def test_models_lists_and_prints_a_card(capsys, error_line):
    assert main(["models"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "domain", "size", "classes", "parameters", "file", "images", "seen", "about"]
    assert [row.split()[0] for row in rows] == NAMES == list(composegan.models())
    assert "faces" in NAMES and main(["models", "faces"]) == 0
    assert capsys.readouterr().out.rstrip() == composegan.models()["faces"].card.rstrip()
    said = error_line("models", "fcaes")
    assert said.startswith("fcaes: composegan comes with no model of that name; did you mean 'faces'? there are: ")


def test_models_is_listed_without_torch():
    source = Path(shipped.__file__).read_text() + Path(import_module("composegan.verbs.models").__file__).read_text()
    assert "torch" not in source and "numpy" not in source


def commands_with_a_model():
    modules = [import_module(f"composegan.verbs.{item.name}") for item in pkgutil.iter_modules(verbs.__path__)]
    return {
        found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, ModelCommand) and found.__module__ == module.__name__
    }


def test_every_verb_that_takes_a_model_takes_a_name():
    taking = commands_with_a_model()
    assert {"Sample", "Edit", "Mix", "Invert", "Evaluate", "Adapt"} <= {command.__name__ for command in taking}
    assert all(command(model="faces").folder == HOME / "faces" for command in taking)


def test_sample_of_a_name_writes_to_results_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in HOME.rglob("*") if "__pycache__" not in str(path)}
    assert main(["sample", "model=faces", "n=1"]) == 0, capsys.readouterr().err
    assert [str(path) for path in Path().iterdir()] == ["results"]
    assert (tmp_path / "results" / "samples-seed0" / "contact_sheet.png").is_file()
    assert before == {path: path.stat().st_mtime_ns for path in HOME.rglob("*") if "__pycache__" not in str(path)}


def test_adapt_starts_from_a_name():
    config = compose_adaptation(model_folder("faces"), ["data.demo=avataaars"]).config
    assert (config.domain, config.adapt.source) == ("faces", str(HOME / "faces"))


def test_folder_wins_over_a_name_only_as_a_path(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(HOME / "faces", tmp_path / "faces")
    assert model_folder("faces") == HOME / "faces"
    assert [model_folder(text) for text in ("./faces", "faces/")] == [Path("faces")] * 2
    assert composegan.load(Path("faces")).folder == Path("faces")
    assert ModelCommand(model="faces").folder == HOME / "faces"
    assert capsys.readouterr().out == "model=faces: the model that comes with composegan; the folder is model=./faces\n"
    (tmp_path / "faces").rename(tmp_path / "mine")
    assert model_folder("mine") == Path("mine")


def test_unknown_name_offers_the_nearest_and_lists_all(error_line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = (
        "fcaes: is not a saved model (no such folder), and none of that name comes with composegan; "
        f"did you mean 'faces'? there are: {', '.join(NAMES)}"
    )
    assert error_line("sample", "model=fcaes") == said == refused(composegan.load, "fcaes")
    assert error_line("sample", "run=faces").endswith("; model=faces is a model that comes with composegan")
    assert "(model=" in error_line("sample")
    assert "is not a saved model (no such folder)" in error_line("sample", "model=./fcaes")
