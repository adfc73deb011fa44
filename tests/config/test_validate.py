"""Values that cannot work are refused with the key and a remedy."""

from dataclasses import replace

import pytest

from composegan.config.compose import read_arguments
from composegan.config.schema import Config, DataConfig
from composegan.config.validate import validate, validate_data
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec, SemanticClass
from tests.helpers import refused

SPEC = DomainSpec("pets", (SemanticClass("background", (0, 0, 0)), SemanticClass("cat", (9, 9, 9))))


def check(*arguments):
    validate(read_arguments(Config, arguments, see="composegan fit --help"), SPEC)


def test_defaults_are_valid():
    check()


@pytest.mark.parametrize(
    ("height", "width"), [(64, 64), (64, 128), (128, 64), (64, 80), (64, 1040), (256, 320), (512, 512), (128, 160)]
)
def test_valid_sizes(height, width):
    check(f"data.height={height}", f"data.width={width}")


@pytest.mark.parametrize(("height", "width"), [(192, 256), (256, 192), (96, 168), (96, 144), (48, 64), (384, 512)])
def test_valid_sizes_of_three_times_a_power_of_two(height, width):
    check(f"data.height={height}", f"data.width={width}", "model.coarse_size=48", "model.min_feat_size=12")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["data.height=100"],
            "data.height=100: the shorter side must be a power of two or three times one, such as 96 or 128",
        ),
        (
            ["data.height=2", "data.width=2"],
            "data.height=2: the shorter side must be a power of two or three times one, such as 4 or 6",
        ),
        (["data.height=1"], "data.height=1: the shorter side must be a power of two"),
        (
            ["data.width=300"],
            "data.width=300: with data.height=256 and model.min_feat_size=16 must be a multiple of 16, such as 288 or",
        ),
        (
            ["data.height=264"],
            "data.height=264: with data.width=256 and model.min_feat_size=16 must be a multiple of 16, such as 256 or",
        ),
        (
            ["data.width=90"],
            "data.width=90: the shorter side must be a power of two or three times one, such as 64 or 96",
        ),
        (
            ["data.height=192"],
            "model.coarse_size=64: must be data.height=192 divided by a power of two, such as 48 or 96",
        ),
        (
            ["data.height=64", "data.width=72", "model.family=stylegan2"],
            "data.width=72: must be a multiple of 16 for model.family=stylegan2, such as 64 or 80",
        ),
        (["data.height=32"], "data.height=32: must be at least model.coarse_size=64"),
        (["data.width=32"], "data.width=32: must be at least model.coarse_size=64"),
        (
            ["model.coarse_size=48"],
            "model.coarse_size=48: must be data.height=256 divided by a power of two, such as 32 or 64",
        ),
        (
            ["model.min_feat_size=2"],
            "model.min_feat_size=2: must be data.height=256 divided by a power of two, such as 4 or 8",
        ),
        (["model.min_feat_size=128"], "model.min_feat_size=128: must be at most model.coarse_size=64"),
        (["model.base_layers=7"], "model.base_layers=7: must be at most model.depth_layers=6"),
        (["model.depth_layers=11"], "model.depth_layers=11: must be at most model.local_layers=10"),
        (["data.on_error=skipp"], "data.on_error=skipp: did you mean 'skip'?"),
        (["data.split=test"], "data.split=test: there are: train, validation"),
        (["training.precision=16"], "training.precision=16: "),
        (["trainer.accelerator=cuda"], "trainer.accelerator=cuda: "),
        (["trainer.devices=0"], "trainer.devices=0: auto, a number, or device numbers such as 0,2 needed"),
        (["trainer.devices=two"], "trainer.devices=two: auto, a number"),
        (["training.batch=0"], "training.batch=0: must be 1 to 1,000,000"),
        (["training.beta1=1.1"], "training.beta1=1.1: must be 0 to 1"),
        (["seed=-1"], "seed=-1: must be 0 or more"),
        (["training.presence=1"], "training.presence=1.0: needs training.class_sets=data"),
        (["output.metrics="], "output.metrics=: which? some of: FD-EffNetLite0, FID, FSD"),
        (["grouping=[[background]]"], "grouping: no group has 'cat'"),
        (["grouping=per_class:3"], "grouping=per_class:3: per_class has no argument; write grouping=per_class"),
        (["grouping=per_clas"], "no grouping policy 'per_clas' is installed; did you mean 'per_class'?"),
    ],
)
def test_invalid_value_names_key_and_remedy(arguments, said):
    assert said in refused(check, *arguments)


@pytest.mark.parametrize("devices", ["auto", "1", "8", "0,2", "-1"])
def test_valid_devices(devices):
    check(f"trainer.devices={devices}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"demo_count": 0}, "data.demo_count=0: must be 1 to"),
        ({"on_error": "x"}, "data.on_error=x"),
        ({"height": 2}, "data.height=2: "),
        ({"height": 48, "width": 66}, "data.width=66: with data.height=48 must be a multiple of 8, such as 64 or 72"),
    ],
)
def test_data_settings_are_checked_alone(change, said):
    validate_data(DataConfig())
    with pytest.raises(UserError, match=said):
        validate_data(replace(DataConfig(), **change))
