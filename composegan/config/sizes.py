"""Which sizes of pictures a model can have, and the sizes inside it that follow. Standard library only.

The shorter side is a power of two, or three times one: networks halve it down to 4 or 3 pixels and double it again. The
longer side is any multiple of a cell, the pixels for each one of the render net's input.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from composegan.config.schema import Config, DataConfig
from composegan.errors import UserError
from composegan.io.guarded import read_json

LEAST = 4
"""The smallest shorter side."""
CELL = 8
"""The longer side is a multiple of this many pixels where no model says how large a cell is, and of fewer below 48."""
WITHIN = ("model.coarse_size", "model.min_feat_size")
INDEX = "index.json"


def check_picture(data: DataConfig, cell: int | None = None, because: str = "") -> None:
    """Raise UserError, naming the nearest sizes that are allowed, unless networks can draw data.height x data.width.

    cell: pixels; None: for any model. because: what decides the cell, for the error.
    """
    (short_key, short), (long_key, long) = sides(data)
    if not is_allowed(short):
        raise UserError(
            f"{short_key}={short}: the shorter side must be a power of two or three times one, such as "
            f"{' or '.join(map(str, nearest_allowed(short)))}"
        )
    step = cell or min(CELL, 1 << max(0, (short // 6).bit_length() - 1))
    if long % step:
        fit = f"such as {long // step * step} or {(long // step + 1) * step}"
        raise UserError(f"{long_key}={long}: with {short_key}={short}{because} must be a multiple of {step}, {fit}")


def check_sizes(config: Config) -> None:
    """Raise UserError for sizes that do not fit one another.

    The feature map is composed at coarse_size, reduced to min_feat_size and rendered up to the picture.
    """
    coarse, feat = config.model.coarse_size, config.model.min_feat_size
    (short_key, short), _ = sides(config.data)
    if not is_allowed(short):
        check_picture(config.data)
    if feat > coarse:
        raise UserError(f"model.min_feat_size={feat}: must be at most model.coarse_size={coarse}")
    if short < coarse:
        raise UserError(f"{short_key}={short}: must be at least model.coarse_size={coarse}")
    for key, value in (("model.coarse_size", coarse), ("model.min_feat_size", feat)):
        if value not in (inner := inner_sizes(short)):
            near = [max((size for size in inner if size < value), default=inner[0])]
            near.append(min((size for size in inner if size > near[0]), default=near[0]))
            raise UserError(
                f"{key}={value}: must be {short_key}={short} divided by a power of two, such as {near[0]} or {near[1]}"
            )
    if short == feat:
        raise UserError(f"model.min_feat_size={feat}: must be below {short_key}={short}")
    check_picture(config.data, short // feat, f" and model.min_feat_size={feat}")


def adapt_sizes(config: Config, given: Collection[str]) -> list[str]:
    """Multiply the sizes of WITHIN by 3/4 or 4/3 where the shorter side needs it, and return a line that says so.

    A recipe's sizes are made for powers of two. given: keys that keep their value.
    """
    _, short = sides(config.data)[0]
    changed = []
    for key in WITHIN:
        name = key.partition(".")[2]
        value, inner = getattr(config.model, name), inner_sizes(short)
        for size in (value * 3 // 4, value * 4 // 3):
            if key not in given and value not in inner and value <= 4 * short // 3 and size in inner:
                setattr(config.model, name, size)
                changed.append(f"{key}={size} in place of {value}")
    return [f"{', '.join(changed)}, for a shorter side of {short}"] if changed else []


def take_packed_size(config: Config, given: Collection[str]) -> list[str]:
    """Set data.height and data.width to those of the pack that data.root names, and return a line that says so.

    Without effect for other data, and where one of the two is given.
    """
    size = packed_size(config.data)
    if size in (None, (config.data.height, config.data.width)) or {"data.height", "data.width"} & set(given):
        return []
    config.data.height, config.data.width = size
    return [f"data.height={size[0]} data.width={size[1]}, as {config.data.root} was packed"]


def packed_size(data: DataConfig) -> tuple[int, int] | None:
    """(height, width) in the index of the pack that data.root names; None for other data, or a damaged index."""
    root = Path(data.root or "").expanduser()
    for folder in (root / data.split, root) if data.root else ():
        try:
            index = read_json(folder / INDEX)
            height, width = index["height"], index["width"]
        except (OSError, ValueError, KeyError, TypeError):  # not a pack, or one whose reader will say what is wrong
            continue
        if all(type(side) is int and side > 0 for side in (height, width)):
            return height, width
    return None


def sides(data: DataConfig) -> list[tuple[str, int]]:
    """(key, pixels) of the shorter and of the longer side."""
    return sorted((("data.height", data.height), ("data.width", data.width)), key=lambda side: side[1])


def is_allowed(short: int) -> bool:
    """Whether a shorter side is a power of two, or three times one, from LEAST."""
    odd = short // (short & -short) if short > 0 else 0
    return short >= LEAST and odd in (1, 3)


def nearest_allowed(short: int) -> list[int]:
    """The nearest shorter sides below and above one that is not allowed."""
    allowed = [size for size in range(LEAST, max(2 * short, 2 * LEAST) + 1) if is_allowed(size)]
    below = max((size for size in allowed if size < short), default=LEAST)
    return [below, min(size for size in allowed if size > max(below, short))]


def inner_sizes(short: int) -> list[int]:
    """The sizes, from 3 pixels, that a shorter side passes through when it is halved, in ascending order."""
    return [short >> i for i in reversed(range(short.bit_length())) if short % (1 << i) == 0 and short >> i >= 3]
