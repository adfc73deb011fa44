"""Lists written in one value: `hair,eye` and `0,3,5-8`. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from unicodedata import normalize

from composegan.errors import UserError, nearest, shown

Groups = Mapping[str, Sequence[str]]
"""Names that stand for several others, such as a category for its classes."""


def names_in(
    text: str, known: Sequence[str], key: str = "classes", more: Sequence[str] = (), groups: Groups | None = None
) -> list[str]:
    """Names separated by commas, in the order given and without duplicates; `all` means every known one.

    key: the setting, for the error; more: further names that are accepted but not part of `all`; groups: names that
    stand for several, unless they are known themselves. Raises UserError offering the nearest name.
    """
    sets = {"all": known, **(groups or {})}
    composed = {normalize("NFC", name): name for name in (*sets, *more, *known)}  # é in one or two characters
    parts = [part.strip() for part in text.split(",") if part.strip()]
    parts = [composed.get(normalize("NFC", part), part) for part in parts]
    names = [name for part in parts for name in (sets.get(part, [part]) if part not in known else [part])]
    for name in names:
        if name not in known and name not in more:
            raise UserError(f"{key}={text}: there is no {name!r}; {nearest(name, [*known, *more, *(groups or ())])}")
    return list(dict.fromkeys(names))


def names_of(classes: str | Iterable[str], known: Sequence[str], groups: Groups | None = None) -> list[str]:
    """As `names_in`, of text or of several names, which may then have commas. Raises UserError for anything else."""
    if isinstance(classes, str):
        return [classes] if classes in known else names_in(classes, known, groups=groups)
    items = list(classes) if isinstance(classes, Iterable) else [None]
    if not all(isinstance(name, str) for name in items):
        raise UserError(f"classes={shown(classes)}: must be the name of a class, or several")
    names = [name for item in items for name in ([item] if item in known else names_in(item, known, groups=groups))]
    return list(dict.fromkeys(names))


def changes_in(
    text: str, known: Sequence[str], key: str = "classes", groups: Groups | None = None
) -> tuple[list[str], list[str], list[str] | None]:
    """`+hat,-eyeglass`: what to add and remove; `hair,face`: the only ones -> (add, remove, only or None).

    groups: as in `names_in`. Empty changes nothing. Raises UserError for a mixture of both, a class in both, or an
    unknown one.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    signed = [part for part in parts if part[0] in "+-"]
    if not signed:
        return [], [], names_in(text, known, key, groups=groups) if parts and parts != ["all"] else None
    if len(signed) < len(parts):
        raise UserError(f"{key}={text}: either changes, as in {key}=+hat,-eyeglass, or the only ones, as in {key}=hair")
    chosen = (",".join(part[1:] for part in parts if part[0] == sign) for sign in "+-")
    add, remove = (names_in(names, known, key, groups=groups) for names in chosen)
    if both := [name for name in add if name in remove]:
        raise UserError(f"{key}={text}: {both[0]!r} is both added and removed")
    return add, remove, None


def numbers_in(text: str, key: str, most: int = 100_000) -> list[int]:
    """Whole numbers from 0 and ranges of them, separated by commas: `0,3,5-8` -> [0, 3, 5, 6, 7, 8].

    key: the setting, for the error; most: the largest number. Raises UserError for anything else.
    """
    numbers: list[int] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last or last > most:
            raise UserError(f"{key}={text}: {part!r} is not a number or range 0..{most}; write it as in {key}=0,3,5-8")
        if len(numbers) + last - first > most:
            raise UserError(f"{key}={text[:60]}: names more than {most} numbers")
        numbers += range(first, last + 1)
    return numbers
