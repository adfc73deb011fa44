"""Whether settings that came from a file can be a generator's, before one is built: a wrong one may build for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST = 4096
"""The most that a size may be: what lies above is no model's."""

SIZES = (
    "classes", "height", "width", "latent_channels", "mapping_layers", "local_layers", "base_layers", "depth_layers",
    "local_channels", "coarse_channels", "coarse_size", "min_feat_size", "max_channels",
)  # fmt: skip
LISTS = ("group_of", "transparent")


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises ValueError, saying what is needed, for sizes that are none, and for lists that are not of classes.

    settings: keyword arguments of `Generator`; those that are left out have their defaults, and unknown ones are not
    looked at.
    """
    classes = settings["classes"]
    for key, value in settings.items():
        if key in SIZES and not (type(value) is int and 1 <= value <= LARGEST):
            raise ValueError(f"{key} is {_shown(value)}; a whole number from 1 to {LARGEST} is needed")
        if key in LISTS and value is not None and not _are_below(value, classes):
            raise ValueError(f"{key} is {_shown(value)}; a list of numbers below {_shown(classes)} is needed")
        if isinstance(value, (int, float)) and not 0 <= value <= LARGEST:  # NaN is not, either
            raise ValueError(f"{key} is {_shown(value)}; a number from 0 to {LARGEST} is needed")
    for key in ("height", "width", "coarse_size", "min_feat_size"):
        if settings.get(key, LARGEST) < 4:
            raise ValueError(f"{key} is {settings[key]}; at least 4 is needed")
    if settings.get("group_of") and len(settings["group_of"]) != classes:
        raise ValueError(f"group_of has {len(settings['group_of'])} numbers for {classes} classes")


def _are_below(value: Any, most: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        type(k) is int and type(most) is int and 0 <= k < most for k in value
    )


def _shown(value: Any) -> str:
    return repr(value)[:40]
