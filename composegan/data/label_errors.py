"""Label ids that stand for no class: told with which ids, in how many pixels, and in how many images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from composegan.errors import UserError

ENOUGH = 100
"""Images with such labels after which no more are looked for: by then it is the mapping that is wrong."""
SHOWN = 8


class LabelError(UserError):
    """ids: what was found that is no class; pixels: how many have it. The text alone is what a person reads."""

    def __init__(self, text: str, ids: Iterable[int] = (), pixels: int = 0) -> None:
        super().__init__(text)
        self.text, self.ids, self.pixels = text, frozenset(ids), pixels

    def __reduce__(self) -> tuple:
        """Whole, from a worker process."""
        return LabelError, (self.text, self.ids, self.pixels)


def label_error(name: str, what: str, wrong: np.ndarray, of: int, remedy: str) -> LabelError:
    """`NAME: WHAT (ids) in n of m pixels; REMEDY`. wrong: (n,), the ids of the wrong pixels; of: all m of them."""
    values = np.unique(wrong).tolist()
    text = f"{name}: {what} ({in_words(values)}) in {wrong.size:,} of {of:,} pixels; {remedy}"
    return LabelError(text, values, wrong.size)


def counted(errors: Sequence[LabelError], looked_at: int) -> LabelError:
    """One for many, given in order: the first's line, how many more there are, and which ids they have in all."""
    if len(errors) == 1:
        return errors[0]
    ids, pixels = frozenset().union(*(error.ids for error in errors)), sum(error.pixels for error in errors)
    rest = f"with {in_words(sorted(ids))} in {pixels:,} pixels"
    return LabelError(f"{errors[0]}; the first of {len(errors):,} such among {looked_at:,} images, {rest}", ids, pixels)


def in_words(ids: Sequence[int]) -> str:
    """The first few."""
    return ", ".join(map(str, ids[:SHOWN])) + (", ..." if len(ids) > SHOWN else "")
