"""`composegan new`: the package it writes works without an edit, and its arguments are validated."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from composegan.cli import main
from composegan.devkit.scaffold import check_name, distinct_colors, read_classes
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.domain_file import read_domain_file


@pytest.fixture
def here(tmp_path, monkeypatch, new_process):
    """The working directory; what a plugin path does to the process is undone."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_new_package_passes_every_check(here, capsys):
    assert main(["new", "pets", "classes=background,cat,dog,grass"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("wrote composegan-pets; labels: 0 background, 1 cat, 2 dog, 3 grass\n")
    assert "composegan fit domain=pets plugin_path=composegan-pets" in out
    assert main(["check", "pets", "plugin_path=composegan-pets"]) == 0, capsys.readouterr().out
    verdicts = capsys.readouterr().out.splitlines()
    assert verdicts[-1] == "domain 'pets': all 12 checks passed"
    assert all(line.startswith("ok ") for line in verdicts[:-1])


def test_new_package_files_and_metadata(here):
    main(["new", "my_pets", "classes=background,cat,no", "out=there/pets"])
    home = here / "there" / "pets"
    files = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    assert files == {
        "pyproject.toml", "README.md", "LICENSE", ".gitignore", "composegan_my_pets/__init__.py",
        "composegan_my_pets/demo.py", "composegan_my_pets/my_pets.yaml", "tests/test_my_pets.py",
    }  # fmt: skip
    for path in home.rglob("*"):
        if path.is_file():
            assert "$" not in path.read_text(), path
    for path in home.rglob("*.py"):
        ast.parse(path.read_text())
    project = tomllib.loads((home / "pyproject.toml").read_text())["project"]
    assert project["name"] == "composegan-my-pets"
    assert project["entry-points"] == {"composegan.domains": {"my_pets": "composegan_my_pets:plugin"}}
    spec = read_domain_file(home / "composegan_my_pets" / "my_pets.yaml")
    assert spec.names == ("background", "cat", "no")


def test_new_package_is_ruff_clean(here):
    main(["new", "pets", "classes=cat"])
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--line-length", "120"]
    result = subprocess.run([*ruff, "format", "--check", *options, "composegan-pets"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    result = subprocess.run([*ruff, "check", *options, "composegan-pets"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_new_package_reads_plain_folders(here, shapes):
    main(["new", "toys", "classes=ball,glass"])
    registry.add_plugin_path("composegan-toys")
    root = shapes[1].partition("=")[2]
    source = registry.load("toys").dataset(Path(root), "train")
    assert len(source) == 7
    with pytest.raises(UserError, match="has no split 'validation'"):
        registry.load("toys").dataset(Path(root), "validation")


@pytest.mark.parametrize("count", [1, 2, 12, 40, 255])
def test_new_demo_draws_every_class_in_distinct_colors(here, count):
    classes = ",".join(f"class{number}" for number in range(count))
    main(["new", "many", f"classes={classes}"])
    registry.add_plugin_path("composegan-many")
    plugin = registry.load("many")
    demo = plugin.demo(8, 64, 64, 0)
    seen = np.unique(np.concatenate([np.unique(demo[index].labels) for index in range(8)]))
    assert len(seen) == count
    colors = np.array(distinct_colors(count), float)
    distance = np.linalg.norm(colors[:, None] - colors[None], axis=-1) + 999 * np.eye(count)
    assert distance.min() >= 30


def test_new_demo_gives_classes_different_areas(here):
    main(["new", "pets", "classes=background,cat,dog,cow,pig"])
    registry.add_plugin_path("composegan-pets")
    labels = registry.load("pets").demo(1, 128, 128, 0)[0].labels
    areas = np.bincount(labels.ravel(), minlength=5)[1:]
    assert areas.min() > 150 and len(set(areas.tolist())) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new"], "give a name"),
        (["new", "my pets", "classes=a"], "'my pets' cannot name a domain: use a-z, 0-9 and _, beginning"),
        (["new", "My-Pets", "classes=a"], "such as my_pets"),
        (["new", "9lives", "classes=a"], "cannot name a domain"),
        (["new", "../x", "classes=a"], "such as x"),
        (["new", "class", "classes=a"], "'class' is a reserved word; choose another name, such as class_domain"),
        (["new", "faces", "classes=a"], "domain 'faces' is already installed, by composegan"),
        (["new", "pets"], "new: give the classes in the order of their label values, as in classes=background,cat,dog"),
        (["new", "pets", "classes=,"], "give the classes"),
        (["new", "pets", "classes=cat,dog,Cat"], "'cat' is given twice (Cat); remove one"),
        (["new", "pets", "classes=cat,all"], "'all' is reserved"),
        (["new", "pets", "classes=cat,a b"], "'a b' cannot name a class"),
        (["new", "pets", "classes=cat,{x}"], "'{x}' cannot name a class"),
        (
            ["new", "pets", "classes=" + ",".join(f"c{i}" for i in range(256))],
            "classes: 256 are given; use at most 255",
        ),
        (["new", "pets", "class=cat"], "unknown key 'class'"),
        (["new", "pets", "classes=cat", "out=there"], "out=there: already exists; choose another folder"),
    ],
)
def test_new_rejects_mistakes_in_one_line_and_writes_nothing(here, capsys, arguments, said):
    (here / "there").mkdir()
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert [path.name for path in here.iterdir()] == ["there"]


def test_label_values_follow_the_given_order():
    """Labels exist before the package does: adding or moving a class would shift them."""
    for text, names in (("cat, dog,", ["cat", "dog"]), ("cat,background", ["cat", "background"]), ("sky", ["sky"])):
        assert read_classes(text) == names
    assert check_name("pets_2") == "pets_2"
