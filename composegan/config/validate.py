"""What a value may be, beyond its type. Standard library only."""

from __future__ import annotations

import re
from math import inf
from operator import attrgetter
from typing import Any

from composegan.config.schema import Config, DataConfig, ModelConfig
from composegan.errors import UserError, nearest
from composegan.grouping.taxonomy import check_grouping
from composegan.plugin.domain import DomainSpec

CHOICES = {
    "data.split": ("train", "validation"),
    "data.on_error": ("stop", "skip"),
    "training.precision": ("auto", "32", "bf16"),
    "training.class_sets": ("all", "data"),
    "adapt.freeze": ("local", "none"),
    "trainer.accelerator": ("auto", "cpu", "gpu", "mps"),
    "trainer.logger": ("csv", "tensorboard", "wandb", "mlflow"),
}
"""Settings that take one of a few words."""

POSITIVE = (
    "data.height", "data.width", "data.demo_count",
    "model.latent_channels", "model.mapping_layers", "model.mapping_rate", "model.local_layers", "model.base_layers",
    "model.depth_layers", "model.local_channels", "model.coarse_channels", "model.coarse_size", "model.min_feat_size",
    "model.channel_multiplier", "model.max_channels", "model.discriminator_multiplier",
    "model.discriminator_max_channels",
    "training.images", "training.batch", "training.learning_rate", "training.discriminator_learning_rate",
    "training.path_shrink", "training.ema_half_life",
    "output.log_every", "output.samples_every", "output.samples", "output.checkpoint_every", "output.score_samples",
    "trainer.num_nodes", "trainer.accumulate", "budget.groups", "budget.parameters",
    "budget.milliseconds",
)  # fmt: skip
"""Numbers above 0."""

NOT_NEGATIVE = (
    "seed", "data.demo_seed", "data.workers", "model.mask_rank", "model.adapter_rank",
    "training.r1_image", "training.r1_mask", "training.r1_every", "training.path_length", "training.path_every",
    "training.mask", "training.presence", "training.split_every", "training.ema_rampup", "adapt.keep",
    "output.score_every", "trainer.threads", "trainer.spike",
)  # fmt: skip
"""Numbers from 0."""

MOST = {
    "data.height": 8192, "data.width": 8192, "data.demo_count": 10**6, "data.workers": 256,
    "model.mapping_layers": 64, "model.local_layers": 64, "model.coarse_size": 4096, "trainer.threads": 1024,
    "training.batch": 10**6, "output.samples": 10_000, "output.score_samples": 10**6, "trainer.num_nodes": 10_000,
    **dict.fromkeys((
        "model.latent_channels", "model.local_channels", "model.coarse_channels", "model.channel_multiplier",
        "model.max_channels", "model.discriminator_multiplier", "model.discriminator_max_channels", "model.mask_rank",
        "model.adapter_rank",
    ), 4096),
}  # fmt: skip
"""Numbers that are no more than this: what is larger is a slip of the pen, and would be built."""

FRACTIONS = (
    "model.texture_threshold", "model.texture_capacity",
    "training.beta1", "training.beta2", "training.path_decay", "training.mixing", "training.augment",
)  # fmt: skip
"""Numbers from 0 to 1."""


def validate(config: Config, spec: DomainSpec) -> None:
    """Raises UserError, naming the key and what would be right, for the first value that cannot work."""
    validate_data(config.data)
    for key in (*CHOICES, *POSITIVE, *NOT_NEGATIVE, *FRACTIONS):
        _check_value(key, attrgetter(key)(config))
    devices = config.trainer.devices
    if not re.fullmatch(r"auto|-1|[1-9][0-9]{0,4}|[0-9]{1,5}(,[0-9]{1,5})+", devices):
        raise UserError(f"trainer.devices={devices}: auto, a number, or device numbers such as 0,2 needed")
    if config.training.presence and config.training.class_sets != "data":
        raise UserError(f"training.presence={config.training.presence}: needs training.class_sets=data")
    _check_layers(config.model)
    _check_coarse_size(config)
    check_grouping(config.grouping, spec)
    from composegan.config.extensions import used_extensions

    used_extensions(config)


def score_names(config: Config) -> list[str]:
    """The metrics that `output.metrics` names. Raises UserError for an unknown one, or none."""
    from composegan.config.lists import names_in
    from composegan.plugin import registry
    from composegan.plugin.contracts import METRIC

    known = registry.names(METRIC)
    names = names_in(config.output.metrics, known, "output.metrics")
    if not names:
        raise UserError(f"output.metrics=: which? some of: {', '.join(known)}; without scores: output.score_every=0")
    return names


def validate_data(data: DataConfig) -> None:
    """The part of `validate` that concerns `data` alone. The picture is halved down to a shorter side of 4."""
    for key in (*CHOICES, *POSITIVE, *NOT_NEGATIVE, *FRACTIONS):
        if key.startswith("data."):
            _check_value(key, getattr(data, key.removeprefix("data.")))
    if data.root and data.demo:
        raise UserError(f"give data.root={data.root} or data.demo={data.demo}, not both")
    sides = (("data.height", data.height), ("data.width", data.width))
    (short_key, short), (long_key, long) = sorted(sides, key=lambda side: side[1])
    if not _power_of_two(short):
        raise UserError(f"{short_key}={short}: the shorter side must be a power of two, such as {_near_powers(short)}")
    step = short // 4
    if long % step:
        fit = f"such as {long // step * step} or {(long // step + 1) * step}"
        raise UserError(f"{long_key}={long}: with {short_key}={short} must be a multiple of {step}, {fit}")


def _check_value(key: str, value: Any) -> None:
    if key in CHOICES and value not in CHOICES[key]:
        raise UserError(f"{key}={value}: {nearest(value, CHOICES[key])}")
    if key in CHOICES or value is None:
        return
    if key in POSITIVE and value <= 0:
        raise UserError(f"{key}={value}: must be above 0")
    if value < 0:
        raise UserError(f"{key}={value}: must be 0 or more")
    if value > MOST.get(key, inf):
        raise UserError(f"{key}={value}: must be at most {MOST[key]}")
    if key in FRACTIONS and value > 1:
        raise UserError(f"{key}={value}: must be 0 to 1")


def _check_layers(model: ModelConfig) -> None:
    """A local generator's layers: first those of the base codes, then up to the depth head, then texture."""
    base, depth, local = model.base_layers, model.depth_layers, model.local_layers
    if base > depth:
        raise UserError(f"model.base_layers={base}: must be at most model.depth_layers={depth}")
    if depth > local:
        raise UserError(f"model.depth_layers={depth}: must be at most model.local_layers={local}")


def _check_coarse_size(config: Config) -> None:
    """The feature map is composed at coarse_size, halved to min_feat_size and rendered up to the picture."""
    coarse, feat = config.model.coarse_size, config.model.min_feat_size
    for key, value in (("model.min_feat_size", feat), ("model.coarse_size", coarse)):
        if not _power_of_two(value):
            raise UserError(f"{key}={value}: must be a power of two from 4, such as {_near_powers(value)}")
    if feat > coarse:
        raise UserError(f"model.min_feat_size={feat}: must be at most model.coarse_size={coarse}")
    short_key = min(("data.height", "data.width"), key=lambda key: attrgetter(key)(config))
    if (short := attrgetter(short_key)(config)) < coarse:
        raise UserError(f"{short_key}={short}: must be at least model.coarse_size={coarse}")
    if short == feat:
        raise UserError(f"model.min_feat_size={feat}: must be below {short_key}={short}")


def _power_of_two(value: int) -> bool:
    """Whether a length is a power of two from 4, the smallest feature map there is."""
    return value >= 4 and value & (value - 1) == 0


def _near_powers(value: int) -> str:
    """The powers of two around a length, in words."""
    below = max(4, 1 << (value.bit_length() - 1))
    return f"{below} or {2 * below}"
