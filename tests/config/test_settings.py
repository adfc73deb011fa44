from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from composegan.config.schema import Config
from composegan.config.settings import help_of, settings_of, unknown_key
from composegan.config.values import describe
from composegan.verbs.prepare import PrepareConfig
from composegan.verbs.sample import SampleConfig


@dataclass
class Inner:
    size: int = 3  # how big
    names: str = "a # b"  # which  # ones


@dataclass
class Outer:
    """Not a # comment."""

    # not a help text
    flag: bool = False
    inner: Inner = field(default_factory=Inner)  # not shown


def test_settings_are_flat_and_in_order():
    settings = settings_of(Outer)
    assert list(settings) == ["flag", "inner.size", "inner.names"]
    assert (settings["inner.size"].type, settings["inner.size"].default) == (int, 3)


def test_the_comment_after_a_field_is_its_help():
    assert help_of(Outer) == {"flag": "", "inner.size": "how big", "inner.names": "which  # ones"}


@pytest.mark.parametrize("schema", [Config, SampleConfig, PrepareConfig])
def test_every_setting_has_help_and_a_type_that_can_be_given(schema):
    for key, setting in settings_of(schema).items():
        assert help_of(schema)[key], f"{key} has no comment after it"
        assert describe(setting.type)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("batch", "unknown key 'batch'; did you mean 'training.batch'?"),
        ("root", "unknown key 'root'; did you mean 'data.root' or 'output.root'?"),
        ("train.batch", "unknown key 'train.batch'; did you mean 'training.batch'?"),
        ("bacth", "unknown key 'bacth'; did you mean 'training.batch'?"),
        ("training.bacth", "unknown key 'training.bacth'; did you mean 'training.batch'?"),
        ("mixin", "unknown key 'mixin'; did you mean 'training.mixing'?"),
        ("Seed", "unknown key 'Seed'; did you mean 'seed'?"),
        ("model", "'model' is a section; write model.KEY=VALUE, as in model.latent_channels=..."),
        ("qqqqqq", "unknown key 'qqqqqq'; `composegan fit --help` lists what there is"),
    ],
)
def test_an_unknown_key_is_told_the_nearest(key, said):
    assert unknown_key(key, settings_of(Config), "composegan fit --help") == said
