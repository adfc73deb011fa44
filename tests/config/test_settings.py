"""Settings of a schema: keys, help, bounds, and the offer for an unknown key."""

import math
from dataclasses import dataclass, field

import pytest

from composegan.config.inversion import InversionConfig
from composegan.config.schema import Config
from composegan.config.settings import check_bounds, settings_of, unknown_key
from composegan.plugin import choice, number
from composegan.verbs.prepare import Prepare
from composegan.verbs.sample import Sample
from tests.helpers import refused


@dataclass
class Inner:
    size: int = number(3, least=1, most=4096)  # how big
    names: str = "a # b"  # which  # ones


@dataclass
class Outer:
    """Not a # comment."""

    # not a help text
    flag: bool = False
    inner: Inner = field(default_factory=Inner)  # not shown
    rate: float | None = number(None, above=0)
    mode: str = choice("sum", "mean", "max", default="mean")
    odds: float = number(0.5, least=0, most=1)
    more: float = number(2.0, above=1, most=9)


def test_settings_are_flat_and_in_order_with_comments_as_help():
    settings = settings_of(Outer)
    assert list(settings) == ["flag", "inner.size", "inner.names", "rate", "mode", "odds", "more"]
    assert (settings["inner.size"].type, settings["inner.size"].default) == (int, 3)
    assert [settings[key].help for key in ("flag", "inner.size", "inner.names")] == ["", "how big", "which  # ones"]
    assert list(settings_of(Inner, "up.")) == ["up.size", "up.names"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("inner.size", "whole number, 1 to 4,096"),
        ("rate", "number or empty, above 0"),
        ("mode", "sum, mean or max"),
        ("odds", "number, 0 to 1"),
        ("more", "number, above 1, at most 9"),
    ],
)
def test_bounds_in_words(key, words):
    assert settings_of(Outer)[key].words == words


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inner": Inner(size=0)}, "x.inner.size=0: must be 1 to 4,096"),
        ({"inner": Inner(size=4097)}, "x.inner.size=4097: must be 1 to 4,096"),
        ({"rate": 0.0}, "x.rate=0.0: must be above 0"),
        ({"odds": 1.1}, "x.odds=1.1: must be 0 to 1"),
        ({"odds": math.nan}, "x.odds=nan: must be 0 to 1"),
        ({"mode": "men"}, "x.mode=men: did you mean 'mean'?"),
    ],
)
def test_value_out_of_bounds_names_setting_and_bounds(change, said):
    check_bounds(Outer(rate=1e-9, odds=1.0), "x.")
    assert refused(check_bounds, Outer(**change), "x.") == said


@pytest.mark.parametrize("schema", [Config, InversionConfig, Sample, Prepare])
def test_every_setting_has_help_and_words(schema):
    assert all(item.help and item.words for item in settings_of(schema).values())


@pytest.mark.parametrize("schema", [Config, InversionConfig])
def test_every_number_has_bounds_that_its_default_meets(schema):
    for key, item in settings_of(schema).items():
        if item.type in (int, float, int | None, float | None):
            assert item.bounds, key
            item.bounds.check(key, item.default)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("batch", "unknown key 'batch'; did you mean 'training.batch'?"),
        ("root", "unknown key 'root'; did you mean 'data.root' or 'output.root'?"),
        ("train.batch", "unknown key 'train.batch'; did you mean 'training.batch'?"),
        ("bacth", "unknown key 'bacth'; did you mean 'training.batch'?"),
        ("training.bacth", "unknown key 'training.bacth'; did you mean 'training.batch'?"),
        ("mixin", "unknown key 'mixin'; did you mean 'training.mixing'?"),
        ("data_root", "unknown key 'data_root'; did you mean 'data.root'?"),
        ("training_batch", "unknown key 'training_batch'; did you mean 'training.batch'?"),
        ("accum", "unknown key 'accum'; did you mean 'trainer.accumulate'?"),
        ("data.hei", "unknown key 'data.hei'; did you mean 'data.height'?"),
        ("Seed", "unknown key 'Seed'; did you mean 'seed'?"),
        ("model", "'model' is a section; write model.KEY=VALUE, as in model.family=..."),
        ("qqqqqq", "unknown key 'qqqqqq'; `composegan fit --help` lists all settings"),
    ],
)
def test_unknown_key_offers_the_nearest(key, said):
    assert unknown_key(key, settings_of(Config), "composegan fit --help") == said
