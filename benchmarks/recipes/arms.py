"""The arms of the leaderboard: `composegan fit` settings by name."""

from __future__ import annotations

from composegan.errors import UserError, nearest

ARMS = {
    "stylegan2": (
        "recipe=quick_paper", "model.family=stylegan2", "training.loss=paper", "training.class_sets=all",
        "training.presence=0", "grouping=per_class",
    ),
    "paper": (
        "recipe=quick_paper", "model.family=paper", "training.loss=paper", "training.class_sets=data",
        "training.presence=1",
    ),
    "modern": ("recipe=quick", "model.family=modern", "training.loss=modern"),
}  # fmt: skip


def arms_in(text: str) -> dict[str, tuple[str, ...]]:
    """The arms that a setting names and their settings: `paper,stylegan2;wide:paper model.max_channels=96`.

    Raises UserError for an unknown name, a name given twice, and an arm of no settings.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, colon, settings = (piece.strip() for piece in part.partition(":"))
        if not colon:
            names = [name for name in (name.strip() for name in part.split(",")) if name]
            _add(found, text, {name: _known(text, name) for name in names})
            continue
        base, *more = settings.split() or [""]
        own = _known(text, base) if base and "=" not in base else (base,)
        if not all("=" in setting for setting in (*own, *more)):
            raise UserError(f"arms={text}: {name} needs settings key=value, as in {name}:paper model.max_channels=96")
        if not name or "/" in name or "\\" in name:
            raise UserError(f"arms={text}: {name!r} is not the name of an arm; letters, digits, - and _ are needed")
        _add(found, text, {name: (*own, *more)})
    if not found:
        raise UserError(f"arms={text}: name at least one; there are: {', '.join(ARMS)}")
    return found


def _known(text: str, name: str) -> tuple[str, ...]:
    if name not in ARMS:
        raise UserError(f"arms={text}: there is no arm {name!r}; {nearest(name, ARMS)}; others: NAME:settings")
    return ARMS[name]


def _add(found: dict[str, tuple[str, ...]], text: str, more: dict[str, tuple[str, ...]]) -> None:
    for name in more:
        if name in found:
            raise UserError(f"arms={text}: {name} is there twice; give one another name")
    found |= more
