"""Warnings about labelled data: from its files, and from the names of its classes."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from composegan.config.lists import names_in
from composegan.config.schema import DataConfig
from composegan.data import UserError, open_source, pack
from composegan.data.warnings import data_warnings
from composegan.devkit import open_subject, verdicts_of
from composegan.devkit.checks import warnings
from composegan.plugin.domain import DomainPlugin, DomainSpec, SemanticClass


def spec_of(*names, mirror=()):
    classes = tuple(SemanticClass(name, (number, 0, 0)) for number, name in enumerate(("ground", *names)))
    return DomainSpec("sides", classes, mirror=mirror)


@pytest.mark.parametrize(
    "names",
    [
        ("left_eye", "right_eye"),
        ("l_brow", "r_brow"),
        ("ear_l", "ear_r"),
        ("Left Hand", "Right Hand"),
        ("eyeLeft", "eyeRight"),
        ("eyeL", "eyeR"),
        ("frontleftdoor", "frontrightdoor"),
        ("L-arm", "R-arm"),
        ("left", "right"),
    ],
)
def test_sides_without_mirror_are_warned_about_with_flip(names, towns):
    (line,) = data_warnings(towns(1), spec_of(*names), flip=True)
    assert f"mirror: {{{names[0]}: {names[1]}}}" in line and "data.flip=on" in line
    assert data_warnings(towns(1), spec_of(*names), flip=False) == []
    assert data_warnings(towns(1), spec_of(*names, mirror=(names[::-1],)), flip=True) == []


@pytest.mark.parametrize("names", [("bright", "upright"), ("hair", "lip"), ("left_over", "copyright"), ("lane_l",)])
def test_other_names_are_not_sides(names, towns):
    assert data_warnings(towns(1), spec_of(*names), flip=True) == []


@pytest.mark.parametrize(
    "name", ["a,b", "all", "+x", "-x", " a", "a ", "[a", "a]", "{a}", "a: b", "a #b", "'a'", "~no-such-user", "${a}"]
)
def test_names_that_a_command_line_cannot_say_are_warned_about(name, towns):
    (line,) = data_warnings(towns(1), spec_of("car", name), flip=False)
    assert line.startswith(f"class {name!r}: classes=NAME,NAME cannot name them")


@pytest.mark.parametrize(
    "name",
    ["allée", "a-b", "hat+", "all in one", "c++", "Haar (lang)", "a=b", "dog's", "a/b", "हिन्दी", "on", "1", "a:b"],
)
def test_names_that_a_command_line_can_say_are_not(name, towns):
    assert data_warnings(towns(1), spec_of(name), flip=False) == []


def test_every_pair_without_mirror_is_named(towns):
    spec = spec_of("l_eye", "r_eye", "l_ear", "r_ear", mirror=(("l_eye", "r_eye"),))
    assert "{l_ear: r_ear}" in data_warnings(towns(1), spec, flip=True)[0]


SIDES = """
classes: [{name: ground, color: [9, 9, 9]}, {name: l_eye, color: [200, 0, 0]}, {name: r_eye, color: [0, 200, 0]}]
"""


def test_check_prints_warnings_and_does_not_fail(shapes, tmp_path):
    (tmp_path / "sides.yaml").write_text(SIDES)
    subject = open_subject(str(tmp_path / "sides.yaml"))
    subject.data.root = shapes[1].removeprefix("data.root=")
    (verdict,) = verdicts_of(warnings, subject)
    said = "warn  warnings: classes l_eye and r_eye: data.flip=on would mirror images without swapping them; "
    assert verdict.holds is None and verdict.line("warnings").startswith(said)


def test_fit_prints_warnings_at_its_start(shapes, fit_in, tmp_path, capsys):
    (tmp_path / "sides.yaml").write_text(SIDES)
    fit_in(tmp_path / "runs", f"domain={tmp_path / 'sides.yaml'}", shapes[1], "data.flip=on", "training.images=2")
    out = capsys.readouterr().out
    assert out.index("warning: classes l_eye and r_eye: data.flip=on ") < out.index("done: ")


def test_names_in_composed_and_decomposed_form_are_one_name():
    """As macOS and other systems write é."""
    composed, decomposed = (normalize(form, "née") for form in ("NFC", "NFD"))
    spec = spec_of(f"{composed}_l", f"{composed}_r", mirror=((f"{decomposed}_l", f"{decomposed}_r"),))
    assert spec.mirrored == (0, 2, 1) and spec.index(f"{decomposed}_r") == 2
    assert names_in(f"{decomposed}_l", spec.names) == [f"{composed}_l"]
    with pytest.raises(UserError, match="class name .* is used more than once"):
        spec_of(composed, decomposed)


def test_fit_says_that_it_trains_on_the_demo(capsys, tmp_path, tiny):
    """As when a script's `data.root=$ROOT` is empty."""
    from composegan.cli import main

    settings = ["domain=cars", "data.root=None", "data.demo_count=4", f"data.cache={tmp_path}", *tiny]
    assert main(["fit", *settings, "training.images=2", "output.score_every=0", f"output.root={tmp_path}"]) == 0
    assert "data.root is empty: training on the drawn demo" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("height", "width", "said"),
    [(16, 16, "scaled to 16 x 16"), (16, 32, "cropped and scaled to 16 x 32"), (32, 32, "")],
)
def test_pack_of_another_size_is_warned_about(height, width, said, towns, tmp_path):
    spec = spec_of("house", "tree", "sun")
    pack(towns(2), tmp_path / "packed", spec, 32, 32, workers=0)
    data = DataConfig(root=str(tmp_path / "packed"), height=height, width=width)
    lines = data_warnings(open_source(DomainPlugin(spec), data), spec, flip=False)
    assert [said in line and "packed: was packed at 32 x 32" in line for line in lines] == [True] * bool(said)
