"""Settings chosen from the number of pictures."""

from dataclasses import replace

import pytest

from composegan.config.schema import AdaptConfig, Config, DataConfig, TrainingConfig
from composegan.data.findings import FEW
from composegan.plugin.domain import DomainSpec, SemanticClass
from composegan.training import few_pictures
from composegan.training.few_pictures import settle_few_pictures


def town(*names):
    return DomainSpec("town", tuple(SemanticClass(name, (i, 0, 0)) for i, name in enumerate(names)))


@pytest.fixture
def spec():
    return town("ground", "house")


OWN = Config(data=DataConfig(root="/pictures"), training=TrainingConfig(loss="modern"))


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    monkeypatch.setattr(few_pictures, "MEASURED", ("modern",))


def chosen(config, spec, pictures=300):
    settled, lines = settle_few_pictures(config, spec, pictures)
    return settled.training.augment, settled.data.flip, lines


def test_few_pictures_are_augmented_and_mirrored_and_the_line_says_how_not_to(spec):
    augment, flip, lines = chosen(OWN, spec)
    assert (augment, flip) == ("adaptive", True)
    assert lines == [
        "training.augment=adaptive data.flip=on: chosen for 300 pictures, which the discriminator would soon know all "
        "of; to train without: training.augment=0 data.flip=off"
    ]


@pytest.mark.parametrize(
    "config",
    [
        replace(OWN, training=TrainingConfig()),  # the paper's objective is as it was
        replace(OWN, data=DataConfig()),  # a demo
        replace(OWN, adapt=AdaptConfig(source="run")),
    ],
)
def test_other_runs_are_as_they_were(spec, config):
    assert chosen(config, spec) == (0.0, False, [])


def test_many_pictures_change_nothing(spec):
    assert chosen(OWN, spec, FEW) == (0.0, False, [])


def test_given_settings_are_kept(spec):
    given = replace(OWN, data=replace(OWN.data, flip=False), training=replace(OWN.training, augment=0.2))
    assert chosen(given, spec) == (0.2, False, [])
    augment, flip, lines = chosen(replace(OWN, training=replace(OWN.training, augment=0.0)), spec)
    assert (augment, flip) == (0.0, True) and lines[0].startswith("data.flip=on: chosen")


def test_sides_without_mirror_are_not_mirrored(spec):
    sides = town("left_eye", "right_eye")
    augment, flip, lines = chosen(OWN, sides)
    assert (augment, flip) == ("adaptive", False) and "data.flip" not in lines[0]
