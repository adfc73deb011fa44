"""Errors about label ids that are no class: which ids, in how many pixels, and in how many images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from composegan.errors import UserError

ENOUGH = 100
"""After this many images with such labels the search ends: the mapping must be wrong."""
SHOWN = 8


class LabelError(UserError):
    """ids: the labels found that are no class; pixels: how many pixels have one."""

    def __init__(self, text: str, ids: Iterable[int] = (), pixels: int = 0) -> None:
        super().__init__(text)
        self.text, self.ids, self.pixels = text, frozenset(ids), pixels

    def __reduce__(self) -> tuple[type[LabelError], tuple[str, frozenset[int], int]]:
        return LabelError, (self.text, self.ids, self.pixels)


def label_error(name: str, what: str, wrong: np.ndarray, of: int, remedy: str) -> LabelError:
    """`NAME: WHAT (ids) in n of m pixels; REMEDY`. wrong: (n,), the ids of the wrong pixels; of: m."""
    values = np.unique(wrong).tolist()
    text = f"{name}: {what} ({in_words(values)}) in {wrong.size:,} of {of:,} pixels; {remedy}"
    return LabelError(text, values, wrong.size)


def counted(errors: Sequence[LabelError], looked_at: int) -> LabelError:
    """Combine errors, given in order: the first line, the number of images, and all ids."""
    if len(errors) == 1:
        return errors[0]
    ids = frozenset(label for error in errors for label in error.ids)
    pixels = sum(error.pixels for error in errors)
    rest = f"with {in_words(sorted(ids))} in {pixels:,} pixels"
    return LabelError(f"{errors[0]}; the first of {len(errors):,} such among {looked_at:,} images, {rest}", ids, pixels)


def in_words(ids: Sequence[int]) -> str:
    """The first SHOWN ids, separated by commas."""
    return ", ".join(map(str, ids[:SHOWN])) + (", ..." if len(ids) > SHOWN else "")
