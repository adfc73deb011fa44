"""The code blocks of docs/configuration.md, docs/plugins.md and docs/tutorial.md work as they stand."""

import re
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from composegan.cli import main
from composegan.config.compose import compose
from composegan.data import open_source
from composegan.devkit import CHECKS
from composegan.plugin import registry
from composegan.plugin.domain_file import read_domain_file
from composegan.plugin.recipes import recipes_of
from tests.helpers import code_blocks, commands_of, refused

DOCS = Path(__file__).parents[1] / "docs"
PLUGINS, CONFIGURATION, TUTORIAL = (DOCS / f"{name}.md" for name in ("plugins", "configuration", "tutorial"))
LANGUAGES = {"toml": "toml", "yaml": "yaml", "py": "python"}
LANDSCAPE = Path(__file__).parents[1] / "examples" / "composegan-landscape"


@pytest.fixture
def pets(tmp_path, monkeypatch):
    """The folder of plugins.md, with its pets.yaml."""
    monkeypatch.chdir(tmp_path)
    name, content = code_blocks(PLUGINS, "yaml")[0]
    assert name == "pets.yaml"
    (tmp_path / name).write_text(content)
    return tmp_path


@pytest.fixture
def discs(tmp_path, monkeypatch):
    """The plugin of plugins.md, with the metadata that installing it would leave."""
    files = [file for language in LANGUAGES.values() for file in code_blocks(PLUGINS, language)]
    for name, content in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    ((group, entries),) = project["entry-points"].items()
    lines = [f"{name} = {target}" for name, target in entries.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("composegan_discs", None)


def test_plugins_page_domain_file_trains(pets):
    assert read_domain_file(pets / "pets.yaml").transparent == (3,)
    (command,) = [words for words in commands_of(PLUGINS) if words[:2] == ["fit", "domain=./pets.yaml"]]
    composed = compose(command[1:])
    assert composed.config.data.root == str(pets / "pets")


def test_plugins_page_streets_read_a_folder_of_other_names_and_values(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ((_, content),) = [block for block in code_blocks(PLUGINS, "yaml") if block[0] == "streets.yaml"]
    Path("streets.yaml").write_text(content)
    for split in ("train", "val"):
        for folder in (split, f"{split}annot"):
            Path("camvid", folder).mkdir(parents=True)
        Image.new("RGB", (4, 3)).save(f"camvid/{split}/0001TP_006690.png")
        labels = np.array([[21, 21, 255, 4], [17, 10, 5, 30], [0, 17, 22, 22]], np.uint8)
        Image.fromarray(labels).save(f"camvid/{split}annot/0001TP_006690_L.png")
    (command,) = [words for words in commands_of(PLUGINS) if words[:2] == ["fit", "domain=./streets.yaml"]]
    composed = compose(command[1:])
    assert (composed.config.data.height, composed.config.data.width) == (48, 64)
    for split in ("train", "validation"):
        sample = open_source(composed.plugin, replace(composed.config.data, split=split))[0]
        names = [[composed.plugin.spec.names[label] for label in row] for row in sample.labels]
        assert names == [
            ["sky", "sky", "sky", "building"],
            ["road", "road", "car", "car"],
            ["other", "road"] + 2 * ["car"],
        ]
        assert sample.void == pytest.approx(2 / 12)


def test_plugins_page_plugin_is_found_and_draws(discs):
    found = registry.find("discs")
    assert (found.distribution, found.version, found.error) == ("composegan_discs", "0.1", None)
    sample = found.plugin.demo(4, 32, 48, 0)[3]
    assert (sample.image.shape, sample.labels.shape) == ((3, 32, 48), (32, 48))
    assert set(sample.labels.ravel()) == {0, 1}
    assert compose(["domain=discs"]).plugin is found.plugin


def test_plugins_page_demo_survives_packing(discs, capsys, monkeypatch):
    monkeypatch.chdir(discs)
    data = ["data.height=32", "data.width=32", "data.demo_count=4", "data.cache=cache"]
    assert main(["prepare", "domain=discs", *data, "out=packed"]) == 0, capsys.readouterr().err
    from composegan.data import PackedSource

    assert len(PackedSource(discs / "packed")) == 4


def test_plugins_page_folders_are_read(discs, monkeypatch):
    """Through `dataset` below data.root; as they are; and divided into splits."""
    monkeypatch.chdir(discs)
    plugin = registry.load("discs")
    for number, folder in enumerate(("downloads/discs", "divided/train", "divided/validation")):
        for part in ("images", "labels"):
            (discs / folder / part).mkdir(parents=True)
            Image.fromarray(np.zeros((8, 8), np.uint8)).save(discs / folder / part / f"{number}.png")
    (command,) = [words for words in commands_of(PLUGINS) if "data.root=downloads" in words]
    data = compose(command[1:]).config.data
    assert open_source(plugin, data)[0].name.endswith("downloads/discs/images/0.png")
    assert open_source(plugin, replace(data, root="downloads/discs"))[0].name.endswith("images/0.png")
    for number, split in enumerate(("train", "validation"), 1):
        assert open_source(plugin, replace(data, root="divided", split=split))[0].name.endswith(f"{number}.png")


def test_plugins_page_plugin_passes_every_check(discs, capsys):
    assert main(["check", "discs"]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.splitlines()[-1] == "domain 'discs': all 12 checks passed"
    tests = {}
    exec(compile((discs / "tests" / "test_discs.py").read_text(), "test_discs.py", "exec"), tests)
    assert tests["TestDiscs"]().subject().spec.names == ("ground", "disc")


def test_plugins_page_lists_every_check():
    told = re.findall(r"^\| `(\w+)`", PLUGINS.read_text().partition("## Checking a domain")[2], re.MULTILINE)
    assert told == [check.__name__ for check in CHECKS]


def test_plugin_path_finds_uninstalled_plugin(new_process, discs, capsys, monkeypatch):
    (next(discs.glob("*.dist-info")) / "entry_points.txt").unlink()
    discs.rename(discs.with_name("composegan-discs"))
    monkeypatch.chdir(discs.parent)
    domains, fit = [words for words in commands_of(PLUGINS) if "plugin_path=" in " ".join(words)]
    assert main(domains) == 0
    listed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["discs", "2", "composegan-discs", "0.1", "ok"] in listed
    assert compose(fit[1:]).plugin.spec.names == ("ground", "disc")


def test_new_writes_files_named_on_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    new = commands_of(PLUGINS)[0]
    assert new[0] == "new" and main(new) == 0
    assert (tmp_path / "composegan-pets" / "pyproject.toml").is_file()


def test_configuration_page_commands_are_valid():
    new = [words[1:] for words in commands_of(CONFIGURATION) if "run=" not in " ".join(words)]
    assert new
    for arguments in new:
        compose(arguments)


def test_configuration_page_recipes_merge(pets):
    ((_, recipes),) = code_blocks(CONFIGURATION, "yaml")
    with (pets / "pets.yaml").open("a") as file:
        file.write(recipes)
    spec = read_domain_file(pets / "pets.yaml")
    assert {"quick", "wide"} <= set(recipes_of(spec))
    assert compose(["domain=pets.yaml"]).config.training.images == 100_000
    assert compose(["domain=pets.yaml", "recipe=wide"]).config.training.batch == 8


ERRORS = [line for _, text in code_blocks(CONFIGURATION, "text") for line in text.splitlines()]


@pytest.mark.parametrize("line", ERRORS)
def test_configuration_page_errors_are_printed_as_shown(line, capsys):
    message = line.removeprefix("composegan: ")
    given = {
        "unknown key 'batch'": "batch=4",
        "training.batch: whole": "training.batch=four",
        "data.width=300: with": "data.width=300",
    }
    (argument,) = [argument for start, argument in given.items() if message.startswith(start)]
    assert refused(compose, ["domain=faces", "recipe=paper256", argument]) == message


def test_configuration_page_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ((_, code),) = code_blocks(CONFIGURATION, "python")
    exec(compile(code, "configuration.md", "exec"), {})


def files_of(page):
    """The files that a page builds: the blocks under one name, in their order, are one file."""
    found = {}
    for language in LANGUAGES.values():
        for name, content in code_blocks(page, language):
            if name:
                found.setdefault(name, []).append(content)
    return {name: "\n\n".join(parts) for name, parts in found.items()}


def test_pictures_of_the_pages_can_be_seen():
    pictures = [path for path in DOCS.rglob("*") if path.suffix in {".png", ".gif", ".jpg"}]
    assert len(pictures) > 20
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()


def test_tutorial_files_equal_the_example():
    built = files_of(TUTORIAL)
    there = {str(file.relative_to(LANDSCAPE)) for file in LANDSCAPE.rglob("*.*") if file.suffix[1:] in LANGUAGES}
    assert set(built) == there
    for name, content in built.items():
        assert content == (LANDSCAPE / name).read_text(encoding="utf-8"), name


@pytest.fixture
def landscape(tmp_path, monkeypatch, new_process):
    """The package that somebody has who typed the tutorial, in a folder of its own; not installed."""
    for name, content in files_of(TUTORIAL).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "README.md").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_tutorial_package_passes_check(landscape, capsys):
    here = [words for words in commands_of(TUTORIAL) if "plugin_path=." in words]
    assert [line[0] for line in here] == ["domains", "check"]
    for arguments in here:
        assert main(arguments) == 0, capsys.readouterr().out
    out = capsys.readouterr().out
    assert "landscape 6 composegan-landscape 0.1 ok" in [" ".join(line.split()) for line in out.splitlines()]
    assert "FAIL" not in out and "skip" not in out
    for verb, *settings in commands_of(TUTORIAL):
        if verb == "fit":
            composed = compose([*settings, "plugin_path=."])
            assert composed.plugin.spec.names[:2] == ("sky", "orb")


def test_tutorial_package_tests_pass(landscape):
    registry.add_plugin_path(landscape)
    tests = {}
    exec(compile((landscape / "tests" / "test_landscape.py").read_text(), "test_landscape.py", "exec"), tests)
    own = [test for name, test in tests.items() if name.startswith("test_")]
    assert len(own) == 3
    for test in own:
        test()


def test_tutorial_picture_equals_its_drawing(landscape):
    registry.add_plugin_path(landscape)
    (code,) = [code for name, code in code_blocks(TUTORIAL, "python") if not name]
    exec(compile(code, "tutorial.md", "exec"), {})
    drawn, committed = (
        np.asarray(Image.open(path).convert("RGB")).astype(int)
        for path in ("landscape.png", DOCS / "images" / "landscape.png")
    )
    assert drawn.shape == committed.shape
    assert np.abs(drawn - committed).mean() < 1
