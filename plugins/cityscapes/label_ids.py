"""Map the ids of a Cityscapes label file to classes, by `label_ids` in domains/cityscapes.yaml."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from composegan.data import label_error, nearest_known
from composegan.plugin import DomainSpec, UserError

NEAREST = "nearest"
INVALID, UNLABELLED = -1, -2
"""Entries of the id table for ids that do not exist and for those whose pixels take the nearest class."""


def read_id_table(config: Mapping[int, str], spec: DomainSpec) -> np.ndarray:
    """Return the class index of each id, INVALID or UNLABELLED: int16 (256,). Negative ids are taken modulo 256.

    config: id -> class name or `nearest`. Raises UserError for an unknown class, an id outside -128..255 and two ids
    that coincide modulo 256.
    """
    table = np.full(256, INVALID, np.int16)
    where = f"domain {spec.name!r}: label_ids"
    for label_id, name in config.items():
        if not isinstance(label_id, int) or not -128 <= label_id <= 255:
            raise UserError(f"{where}: {label_id!r} is not an id; use -128..255")
        if table[label_id % 256] != INVALID:
            raise UserError(f"{where}: {label_id} is {label_id % 256} in 8 bits, which occurs twice; remove one")
        table[label_id % 256] = UNLABELLED if name == NEAREST else spec.index(name)
    return table


def ids_to_classes(ids: np.ndarray, table: np.ndarray, name: str) -> np.ndarray:
    """Map ids uint8 (H, W) to class indices uint8 (H, W); unlabelled pixels get the nearest class in their row.

    name: the file. Raises UserError for invalid ids, with their count, and for a file without any labelled pixel.
    """
    found = table[ids]
    invalid = found == INVALID
    if invalid.any():
        remedy = "a *_labelIds.png with ids 0..33 is needed"
        raise label_error(name, "label ids that Cityscapes does not have", ids[invalid], ids.size, remedy)
    labelled = found >= 0
    if not labelled.any():
        raise UserError(f"{name}: has no labelled pixel; test images come without labels and cannot be used")
    return fill_rows(found.clip(0), labelled).astype(np.uint8)


def fill_rows(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill unknown pixels with the nearest known value in their row; rows without any are copied from the nearest row.

    values: any dtype (H, W). known: bool (H, W), not all False. Rows, because streets are layered: what is left and
    right of a gap in the road is road.
    """
    if known.all():
        return values
    filled = np.take_along_axis(values, nearest_known(known), axis=1)
    rows = nearest_known(np.any(known, axis=1, keepdims=True).T)[0]
    return filled[rows]
