"""Domain YAML files."""

from __future__ import annotations

from pathlib import Path

import pytest

from composegan.errors import UserError
from composegan.plugin.domain import SemanticClass
from composegan.plugin.domain_file import read_domain_file
from composegan.plugin.recipes import find_recipe, recipes_of


def test_read_domain_file(pets):
    spec = read_domain_file(pets)
    assert spec.name == "pets"
    assert spec.title == "Pets"
    assert spec.classes[1] == SemanticClass("cat", (200, 0, 0), "animal/mammal", optional=True)
    assert spec.transparent == (2,)
    assert spec.foreign == {"coco": {17: "cat"}}
    assert spec.credits == ("Nobody", "CC0")
    assert spec.recipes["wide"].overrides == {"data": {"height": 128, "width": 192}, "training.batch": 4}
    assert read_domain_file(str(pets)) == spec


def test_mirror_swaps_classes(pets):
    assert read_domain_file(pets).mirrored == (0, 1, 2)
    pets.write_text(pets.read_text() + "mirror: {glass: cat}\n")
    assert read_domain_file(pets).mirrored == (0, 2, 1)


def test_domain_file_needs_classes_only(tmp_path):
    (tmp_path / "cars.yml").write_text("classes: [{name: car, color: [1, 2, 3]}]\n")
    spec = read_domain_file(tmp_path / "cars.yml")
    assert (spec.name, spec.names, spec.default_recipe) == ("cars", ("car",), "quick")
    assert find_recipe(spec).name == "quick"


def test_packaged_domain_files_are_valid():
    import composegan.domain_files

    files = [
        path for path in Path(composegan.domain_files.__file__).parent.glob("*.yaml") if path.name != "recipes.yaml"
    ]
    for path in files:
        assert read_domain_file(path).name == path.stem


def test_recipes_of_a_domain_include_the_common_ones(pets):
    spec = read_domain_file(pets)
    assert {"quick", "wide"} <= set(recipes_of(spec))
    assert recipes_of(spec)["wide"].about.startswith("128x192, for one GPU\n")
    assert recipes_of(spec)["quick"].about  # the common text, as the domain's own has none
    with pytest.raises(UserError, match="domain 'pets' has no recipe 'widee'; did you mean 'wide'?"):
        find_recipe(spec, "widee")


CLASSES = "classes: [{name: car, color: [1, 2, 3]}]\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "`key: value` lines needed, found nothing"),
        ("- a\n", "`key: value` lines needed, found a list"),
        ("name: x\n", "classes is missing; a list is needed"),
        ("classes: car\n", "classes: a list needed, found 'car'"),
        ("clases: []\n" + CLASSES, "unknown key 'clases'; did you mean 'classes'?"),
        ("api: 2\n" + CLASSES, "api is 2; this composegan reads version 1; update composegan"),
        ("name: 3\n" + CLASSES, "name: text needed, found 3 (put it in quotes)"),
        ("name: a/b\n" + CLASSES, "name is 'a/b'; letters, digits, - and _ are allowed"),
        ("name: ..\n" + CLASSES, "name is '..'"),
        ("recipes: [a]\n" + CLASSES, "recipes: `name: ...` lines needed"),
        ("recipes: {quick: 3}\n" + CLASSES, "recipes: quick: `about: text` and settings"),
        ("recipes: {quick: {about: 3}}\n" + CLASSES, "recipes: quick: `about: text` and settings"),
        ("foreign: 3\n" + CLASSES, "foreign: `key: value` lines needed, found 3"),
        ("foreign: {ids: {7: car, 7: car}}\n" + CLASSES, ", line 1: '7' is given twice"),
        (
            "foreign: {parts: [{part: door, class: car}, {part: hood, class: car}, {part: door, class: null}]}\n"
            + CLASSES,
            "foreign: parts[2]: door is given twice; it becomes one class",
        ),
        ("credits: me\n" + CLASSES, "credits: a list needed, found 'me'"),
        ("classes: [3]\n", "classes[0]: `key: value` lines needed, found 3"),
        ("classes: [{color: [1, 2, 3]}]\n", "classes[0]: name is missing"),
        ("classes: [{name: on, color: [1, 2, 3]}]\n", "classes[0]: name: text needed, found True (put it in quotes)"),
        ("classes: [{name: '', color: [1, 2, 3]}]\n", "classes[0]: name is empty"),
        ("classes: [{name: car, colour: [1, 2, 3]}]\n", "classes[0]: unknown key 'colour'; did you mean 'color'?"),
        (
            "classes: [{name: car, color: red}]\n",
            "classes[0] (car): color is red; [red, green, blue] is needed, each 0 to 255",
        ),
        ("classes: [{name: car, color: [1, 2]}]\n", "classes[0] (car): color is [1, 2]; [red, green, blue] is needed"),
        ("classes: [{name: car, color: [1, 2, 256]}]\n", "classes[0] (car): color is [1, 2, 256]"),
        ("classes: [{name: car, color: [1, 2, true]}]\n", "classes[0] (car): color is [1, 2, True]"),
        ("classes: [{name: car, color: [1, 2, 3], optional: 1}]\n", "(car): optional: true or false needed, found 1"),
        ("classes: [{name: car, color: [1, 2, 3], category: a//b}]\n", "(car): category is 'a//b'; levels are written"),
        ("classes:\n- {name: a, color: [1, 2, 3]}\n- {name: a, color: [1, 2, 4]}\n", "class name a is used more"),
        ("classes:\n- {name: a, color: [1, 2, 3]}\n- {name: b, color: [1, 2, 3]}\n", "class color (1, 2, 3) is"),
        ("classes:\n- {name: a, color: [1, 2, 3]\n", ", line 3: "),
        ("mirror: [a, b]\n" + CLASSES, "mirror: `key: value` lines needed, found a list"),
        ("mirror: {car: 3}\n" + CLASSES, "mirror: car: text needed, found 3"),
        ("mirror: {car: cat}\n" + CLASSES, "has no class 'cat'; did you mean 'car'?"),
        ("mirror: {car: car}\n" + CLASSES, "mirror names class 'car' more than once"),
    ],
)
def test_mistake_in_a_domain_file_names_file_and_place(tmp_path, content, said):
    path = tmp_path / "cars.yaml"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        read_domain_file(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_class_is_added_by_one_line(pets):
    text = pets.read_text().replace("recipes:", "  - {name: tail, color: [9, 9, 9]}\nrecipes:", 1)
    pets.write_text(text)
    assert read_domain_file(pets).names == ("background", "cat", "glass", "tail")
