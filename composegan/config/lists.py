"""Lists written in one value: `hair,eye` and `0,3,5-8`. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence

from composegan.config.errors import UserError, nearest


def names_in(text: str, known: Sequence[str], key: str = "classes", more: Sequence[str] = ()) -> list[str]:
    """Names separated by commas, each once and in the order given; `all` is every known one, empty is none.

    key: the setting, for the error; more: names that may be given, too, and are no part of `all`.
    Raises UserError offering the nearest name.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    names = [name for part in parts for name in (known if part == "all" else [part])]
    for name in names:
        if name not in known and name not in more:
            raise UserError(f"{key}={text}: there is no {name!r}; {nearest(name, [*known, *more])}")
    return list(dict.fromkeys(names))


def numbers_in(text: str, key: str, most: int = 100_000) -> list[int]:
    """Whole numbers from 0 and ranges of them, separated by commas: `0,3,5-8` -> [0, 3, 5, 6, 7, 8].

    key: the setting, for the error; most: how large a number may be. Raises UserError for anything else.
    """
    numbers: list[int] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last or last > most:
            raise UserError(f"{key}={text}: {part!r} is no number or range 0..{most}; write it as in {key}=0,3,5-8")
        numbers += range(first, last + 1)
    return numbers
