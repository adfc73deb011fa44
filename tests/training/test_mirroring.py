"""Mirroring chosen from the number of pictures."""

from dataclasses import replace

import pytest

from composegan.config.schema import AdaptConfig, Config, DataConfig, TrainingConfig
from composegan.data.findings import FEW
from composegan.plugin.domain import DomainSpec, SemanticClass
from composegan.training.mirroring import settle_flip


def town(*names):
    return DomainSpec("town", tuple(SemanticClass(name, (i, 0, 0)) for i, name in enumerate(names)))


TOWN, OWN = town("ground", "house"), Config(data=DataConfig(root="/pictures"), training=TrainingConfig(loss="modern"))


def test_few_pictures_are_mirrored_and_the_line_says_how_not_to():
    config, lines = settle_flip(OWN, TOWN, 300)
    assert config.data.flip is True
    assert lines == [
        "data.flip=on: chosen for 300 pictures, which are few; if they must not be mirrored: data.flip=off"
    ]


@pytest.mark.parametrize(
    ("config", "spec", "pictures"),
    [
        (replace(OWN, training=TrainingConfig()), TOWN, 300),  # the paper's objective is as it was
        (replace(OWN, data=DataConfig()), TOWN, 300),  # a demo
        (replace(OWN, adapt=AdaptConfig(source="run")), TOWN, 300),
        (OWN, town("left_eye", "right_eye"), 300),
        (OWN, TOWN, FEW),
    ],
)
def test_other_pictures_are_not_mirrored(config, spec, pictures):
    settled, lines = settle_flip(config, spec, pictures)
    assert settled == replace(config, data=replace(config.data, flip=False)) and lines == []


@pytest.mark.parametrize("flip", [False, True])
def test_given_mirroring_is_kept(flip):
    given = replace(OWN, data=replace(OWN.data, flip=flip))
    assert settle_flip(given, TOWN, 300) == (given, [])
