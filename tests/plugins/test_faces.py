import subprocess
import sys
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from composegan.data import check_sample
from composegan.plugin.domain import SemanticClass
from composegan.plugins.faces import draw_avataaars, draw_avatars, plugin, spec
from composegan.plugins.faces.avatars import AvatarSource

# The order of the paper: whoever loads its weights depends on it.
CLASSES = ["background", "face", "eye", "eyebrow", "mouth", "nose", "ear", "hair", "neck", "cloth"]
CLASSES += ["eyeglass", "hat", "earring"]


def test_the_vocabulary():
    assert list(spec.names) == CLASSES
    assert [CLASSES[index] for index in spec.transparent] == ["eyeglass", "earring"]
    assert [item.name for item in spec.classes if item.optional] == ["eyeglass", "hat", "earring"]
    assert spec.classes[0].color == (0, 0, 0)


def test_colors_are_distinct():
    colors = np.array(spec.colors, float)
    distance = np.linalg.norm(colors[:, None] - colors[None], axis=-1) + 999 * np.eye(13)
    assert distance.min() > 50


def test_faces_credit_artists():
    text = " ".join(spec.credits)
    for word in ("Micah Lanier", "CC BY 4.0", "Pablo Stanley", "free for personal and commercial use"):
        assert word in text


def test_plugin_imports_without_torch():
    code = "import sys, composegan.plugins.faces; print(sorted({'torch', 'dicebear', 'resvg_py'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.fixture(scope="module")
def presence():
    """Per class, the part of 300 drawn faces that have it."""
    avatars = draw_avatars(300, 64, 64, 0)
    labels = [check_sample(avatars[index], 13).labels for index in range(300)]
    return dict(
        zip(CLASSES, np.stack([np.bincount(np.unique(item), minlength=13) for item in labels]).mean(0), strict=True)
    )


def test_faces_have_every_required_class(presence):
    for name in ("background", "face", "eye", "eyebrow", "mouth", "nose", "ear", "neck", "cloth"):
        assert presence[name] == 1, name


def test_optional_classes_are_frequent_enough(presence):
    assert 0.6 < presence["hair"] < 0.9
    assert 0.1 < presence["hat"] < 0.25
    assert 0.2 < presence["eyeglass"] < 0.4
    assert 0.25 < presence["earring"] < 0.5


def test_second_demo_draws_avataaars():
    avatars = draw_avataaars(100, 48, 48, 0)
    seen = np.bincount(np.concatenate([np.unique(avatars[index].labels) for index in range(100)]), minlength=13)
    assert (seen[:12] > 5).all() and seen[12] == 0


def test_demo_draws_micah():
    assert plugin.spec is spec
    assert (plugin.demo(3, 32, 32, 4)[2].image == draw_avatars(3, 32, 32, 4)[2].image).all()
    assert (plugin.demos["avataaars"](3, 32, 32, 4)[2].image == draw_avataaars(3, 32, 32, 4)[2].image).all()


def test_class_can_be_added_in_yaml_alone():
    """What a person would change in domains/faces.yaml, done to what is read from it: beards of their own."""
    foreign = deepcopy(dict(spec.foreign))
    foreign["micah"]["labels"]["facialHair"] = "beard"
    beard = SemanticClass("beard", (90, 60, 40), optional=True)
    wider = replace(spec, classes=(*spec.classes, beard), foreign=foreign)
    before = draw_avatars(60, 32, 32, 0)
    after = AvatarSource(foreign["micah"], wider, count=60, height=32, width=32, seed=0)
    with_beard = [index for index in range(60) if (after[index].labels == 13).any()]
    assert 2 < len(with_beard) < 15
    for index in range(60):
        assert (after[index].image == before[index].image).all()
        same = after[index].labels == before[index].labels
        assert (after[index].labels[~same] == 13).all() and (before[index].labels[~same] == CLASSES.index("face")).all()
