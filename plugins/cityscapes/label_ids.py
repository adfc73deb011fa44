"""Map the ids of a Cityscapes label file to classes, by the table `label_ids` of domains/cityscapes.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from composegan.data import label_error
from composegan.plugin import DomainSpec, UserError

NEAREST = "nearest"
_UNKNOWN, _FILLED = -1, -2  # in `LabelIds.table`: an invalid id, and one whose pixels take their neighbours' class


@dataclass(frozen=True)
class LabelIds:
    """table: int16 (256,), the class index of each id or one of the two marks above."""

    table: np.ndarray

    @classmethod
    def load(cls, config: Mapping[int, str], spec: DomainSpec) -> LabelIds:
        """The table of a domain's YAML: id -> class name or `nearest`. A negative id is taken modulo 256.

        Raises UserError for an unknown class, an id outside -128..255, and ids that coincide in 8 bits.
        """
        table = np.full(256, _UNKNOWN, np.int16)
        for label_id, name in config.items():
            if not isinstance(label_id, int) or not -128 <= label_id <= 255:
                raise UserError(f"domain {spec.name!r}: label_ids: {label_id!r} is not an id; use -128..255")
            if table[label_id % 256] != _UNKNOWN:
                raise UserError(
                    f"domain {spec.name!r}: label_ids: {label_id} is {label_id % 256} in 8 bits, given twice"
                )
            table[label_id % 256] = _FILLED if name == NEAREST else spec.index(name)
        return cls(table)

    def classes_of(self, ids: np.ndarray, name: str) -> np.ndarray:
        """ids uint8 (H, W) -> class indices uint8 (H, W). name: the file, for errors.

        Raises UserError for ids outside the table, with their count, and for a file without any labelled pixel.
        """
        found = self.table[ids]
        if (found == _UNKNOWN).any():
            remedy = "a *_labelIds.png with ids 0..33 is needed"
            raise label_error(name, "label ids that Cityscapes does not have", ids[found == _UNKNOWN], ids.size, remedy)
        known = found >= 0
        if not known.any():
            raise UserError(f"{name}: has no labelled pixel; test images come without labels and cannot be used")
        return fill_rows(found.clip(0), known).astype(np.uint8)


def fill_rows(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Give every unknown pixel the value of the nearest known one in its row; copy an empty row from the nearest row.

    values: any dtype (H, W); known: bool (H, W), somewhere true. Along rows because a street lies in layers: left
    and right of a gap in the road is road.
    """
    if known.all():
        return values
    filled = np.take_along_axis(values, nearest_known(known), axis=1)
    rows = nearest_known(np.any(known, axis=1, keepdims=True).T)[0]
    return filled[rows]


def nearest_known(known: np.ndarray) -> np.ndarray:
    """bool (N, L) -> int (N, L): for each position in a row, the nearest known one (the left one of a tie).

    Undefined for a row without a known position.
    """
    length = known.shape[1]
    places = np.arange(length)
    left = np.maximum.accumulate(np.where(known, places, -length), axis=1)
    right = np.minimum.accumulate(np.where(known, places, 2 * length)[:, ::-1], axis=1)[:, ::-1]
    return np.where(places - left <= right - places, left, right).clip(0, length - 1)
