"""The classes of faces, and its demo."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from composegan.plugin import SemanticClass
from composegan.plugins.faces import draw_avataaars, draw_avatars, spec
from composegan.plugins.faces.avatars import AvatarSource

# The order of the paper, which its weights depend on.
CLASSES = ["background", "face", "eye", "eyebrow", "mouth", "nose", "ear", "hair", "neck", "cloth"]
CLASSES += ["eyeglass", "hat", "earring"]


def test_classes_are_those_of_the_paper():
    assert list(spec.names) == CLASSES
    assert [CLASSES[index] for index in spec.transparent] == ["eyeglass", "earring"]
    assert [item.name for item in spec.classes if item.optional] == ["eyeglass", "hat", "earring"]
    assert spec.classes[0].color == (0, 0, 0)


def test_artists_are_credited():
    text = " ".join(spec.credits)
    for word in ("Micah Lanier", "CC BY 4.0", "Pablo Stanley", "free for personal and commercial use"):
        assert word in text


@pytest.mark.parametrize(
    ("draw", "count", "always", "often"),
    [
        (
            draw_avatars,
            300,
            {"background", "face", "eye", "eyebrow", "mouth", "nose", "ear", "neck", "cloth"},
            {"hair": (0.6, 0.9), "hat": (0.1, 0.25), "eyeglass": (0.2, 0.4), "earring": (0.25, 0.5)},
        ),
        (draw_avataaars, 100, set(), dict.fromkeys(CLASSES[:12], (0.05, 1.1)) | {"earring": (-1, 0.001)}),
    ],
    ids=["micah", "avataaars"],
)
def test_classes_are_present_in_expected_proportions(draw, count, always, often):
    avatars = draw(count, 64, 64, 0)
    seen = np.bincount(np.concatenate([np.unique(avatars[index].labels) for index in range(count)]), minlength=13)
    presence = dict(zip(CLASSES, seen / count, strict=True))
    assert {name for name in always if presence[name] < 1} == set()
    assert {name: presence[name] for name, (low, high) in often.items() if not low < presence[name] < high} == {}


def test_adding_a_class_in_the_yaml_changes_its_labels_only():
    """Beards get a class, as a user would add one to domains/faces.yaml."""
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
        changed = after[index].labels != before[index].labels
        assert (after[index].labels[changed] == 13).all()
        assert (before[index].labels[changed] == CLASSES.index("face")).all()
