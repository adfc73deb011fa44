"""`composegan new`: the package it writes works without an edit, and its arguments are validated."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from composegan.cli import main
from composegan.config.compose import compose
from composegan.data import FolderSource
from composegan.data.labels import labels_of
from composegan.devkit.label_survey import Partners, find_partners, label_files, picture_size
from composegan.devkit.scaffold import check_name, distinct_colors, read_classes
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.domain_file import read_domain_file
from composegan.verbs import new
from tests.helpers import refused


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


def label_file(path, values, mode="L", palette=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.array(values, np.uint8), mode)
    if palette:
        picture.putpalette(palette)
    picture.save(path)


def photos(folder, *stems):
    folder.mkdir(parents=True, exist_ok=True)
    for stem in stems:
        Image.new("RGB", (4, 3), (90, 9, 9)).save(folder / f"{stem}.jpg")


@pytest.mark.parametrize("background", ["", "off", "class_7"])
def test_new_yaml_reads_its_labels_without_shifting_them(here, background):
    values = [[[0, 3, 3, 255]] * 3, [[7, 3, 3, 3]] * 3]
    for number, rows in enumerate(values):
        label_file(here / f"set/trainannot/{number}_L.png", rows)
        label_file(here / f"set/valannot/{number}_L.png", rows)
        photos(here / "set/train", number)
        photos(here / "set/val", number)
    assert main(["new", "streets", "labels=set/trainannot", f"background={background}"]) == 0
    spec = read_domain_file(here / "streets.yaml")
    assert spec.names[0] == {"": "class_3", "off": "class_0"}.get(background, background)
    assert {item.name for item in spec.classes if item.optional} == {"class_0", "class_7"}
    sources = [FolderSource(here / "set", spec, split) for split in ("train", "validation")]
    assert [len(source) for source in sources] == [2, 2]
    found = [[spec.names[label] for label in sample.labels[0]] for sample in sources[0]]
    assert found == [["class_0", "class_3", "class_3", "class_3"], ["class_7", "class_3", "class_3", "class_3"]]
    assert compose(["domain=./streets.yaml", "data.root=set"]).config.data.width == 64
    text = (here / "streets.yaml").read_text()
    assert "3: class_3  # 62.50 % of pixels, in 100 % of files" in text
    assert "255: void  # 12.50 % of pixels, in 50 % of files; guessed" in text
    assert "already exists" in refused(verb_new, "streets", "labels=set/trainannot")


def verb_new(*arguments):
    new.verb.run(list(arguments))


def test_new_yaml_takes_names_colors_of_palettes_and_colored_labels(here):
    label_file(here / "pets/labels/a.png", [[1, 2, 3]], "P", [0, 0, 0, 10, 20, 30, 200, 9, 9, 7, 200, 9])
    photos(here / "pets/images", "a")
    verb_new("pets", "labels=pets/labels", "classes=cat,grass,border", "background=grass")
    spec = read_domain_file(here / "pets.yaml")
    assert spec.names == ("grass", "cat", "border") and spec.colors == ((200, 9, 9), (10, 20, 30), (7, 200, 9))
    assert spec.scheme.ids == {1: 1, 2: 0, 3: 2} and not spec.scheme.images
    assert "2 names for the 3 values 1, 2, 3" in refused(verb_new, "dogs", "labels=pets/labels", "classes=a,b")
    assert "background=gras: did you mean 'grass'?" in refused(
        verb_new, "dogs", "labels=pets/labels", "classes=cat,grass,border", "background=gras"
    )
    label_file(here / "rgb/ann/x_gt.png", [[[128, 64, 128], [0, 0, 142]]], "RGB")
    photos(here / "rgb/photos", "x_photo")
    verb_new("roads", "labels=rgb/ann")
    spec = read_domain_file(here / "roads.yaml")
    assert set(spec.colors) == {(128, 64, 128), (0, 0, 142)}
    labels = labels_of(Image.open(here / "rgb/ann/x_gt.png"), spec, "")
    assert [spec.colors[label] for label in labels[0]] == [(128, 64, 128), (0, 0, 142)]


def test_new_yaml_finds_the_images_of_labels(tmp_path):
    photos(tmp_path / "nested/images/train", "1", "2")
    label_file(tmp_path / "nested/labels/train/1_gt.png", [[0, 1]])
    label_file(tmp_path / "nested/labels/train/2_gt.png", [[0, 1]])
    found = find_partners(*label_files(tmp_path / "nested/labels/train"))
    assert found == Partners(tmp_path / "nested", {"": "images/train"}, {"": "labels/train/*_gt.png"})
    photos(tmp_path / "same", "a", "b")
    for stem in ("a", "b"):
        label_file(tmp_path / f"same/{stem}_mask.png", [[0, 1]])
    found = find_partners(*label_files(tmp_path / "same/*_mask.png"))
    assert found == Partners(tmp_path, {"": "same"}, {"": "same/*_mask.png"})
    photos(tmp_path / "pets/images", "cat_1", "cat_2")
    label_file(tmp_path / "pets/annotations/trimaps/cat_1.png", [[0, 1]])
    found = find_partners(*label_files(tmp_path / "pets/annotations/trimaps"))
    assert found == Partners(tmp_path / "pets", {"": "images"}, {"": "annotations/trimaps"})
    label_file(tmp_path / "alone/here/x.png", [[0, 1]])
    assert find_partners(*label_files(tmp_path / "alone/here")) is None


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(360, 480, (48, 64)), (480, 360, (64, 48)), (720, 1280, (64, 112)), (400, 600, (64, 96)), (9, 9, (64, 64))],
)
def test_size_of_a_first_model_follows_the_images(height, width, size):
    assert picture_size(height, width) == size


def test_new_refuses_folders_without_usable_labels(here):
    assert "labels=none: none is not a folder" in refused(verb_new, "a", "labels=none")
    (here / "empty").mkdir()
    assert "labels=empty: there are no such pictures" in refused(verb_new, "a", "labels=empty")
    label_file(here / "one/a.png", [[4, 4]])
    assert "every pixel of 1 files is 4" in refused(verb_new, "a", "labels=one")
    label_file(here / "mixed/a.png", [[4, 5]])
    label_file(here / "mixed/b.png", [[[4, 5, 6]]], "RGB")
    assert "b.png holds colors but a.png label values" in refused(verb_new, "a", "labels=mixed")
    many = np.arange(300 * 3).reshape(1, 300, 3) // 4
    label_file(here / "many/a.png", many, "RGB")
    assert "more than 255 label values" in refused(verb_new, "a", "labels=many")
    photos(here / "jpeg", "a")
    assert "JPEG" in refused(verb_new, "a", "labels=jpeg")


def test_new_package_with_a_background_keeps_label_values(here):
    verb_new("pets", "classes=cat,grass,dog", "background=grass")
    spec = read_domain_file(here / "composegan-pets/composegan_pets/pets.yaml")
    assert spec.names == ("grass", "cat", "dog") and spec.scheme.ids == {0: 1, 1: 0, 2: 2}
    assert "background=sky" in refused(verb_new, "birds", "classes=cat,grass", "background=sky")
