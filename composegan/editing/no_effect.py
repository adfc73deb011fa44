"""Why an edit did nothing, in one line, instead of figures about rounding noise."""

from __future__ import annotations

import numpy as np

from composegan.editing.edit import Edit
from composegan.metrics.thresholds import PRESENT
from composegan.model.codes import Codes
from composegan.model.sample import Samples, draw
from composegan.model.saved_model import Model

TRIED = 32
"""Random pictures that are searched for a class."""
ABSENT, THERE, UNSEEN, REMAINS = (
    "no picture has it", "every picture has it already", "no picture shows it", "it stays in every picture"
)  # fmt: skip


def no_effect(model: Model, edit: Edit, before: Codes, after: Codes, method: str = "") -> tuple[str, list[str]]:
    """Why an edit has no effect ("" if it has one), and otherwise a line for each of its classes that has none.

    before, after: the codes. method: of the edit; "remove" must leave less of a class than there was.
    """
    reasons = {name: _without_part(model, edit, before, after, name, method) for name in edit.classes}
    idle = {name: reason for name, reason in reasons.items() if reason}
    if edit.leakage is not None and len(idle) == len(reasons):  # classes were edited, not base codes
        name, reason = next(iter(idle.items()))
        names = ",".join(idle) if set(idle.values()) == {reason} else name
        return f"classes={names}: {reason}; {_remedy(model, name, reason)}", []
    names = ",".join(edit.classes)
    if not edit.changed.any():
        return f"classes={names}: the edit has no effect, no pixel changes by more than a grey level; change more", []
    if edit.composited_leakage is not None and not _changes_inside(model, edit):
        return f"classes={names}: the model's picture changes only outside of {names}; composite=off shows that", []
    return "", [f"{name}: {reason}" for name, reason in idle.items()]


def _changes_inside(model: Model, edit: Edit) -> bool:
    """Whether a pasted edit changes a label, or a pixel of its classes by more than a grey level."""
    labels, images = ((getattr(edit.before, part), getattr(edit.after, part)) for part in ("labels", "images"))
    classes = [model.index(name) for name in edit.classes]
    inside = np.isin(labels[0], classes) | np.isin(labels[1], classes)
    moved = np.abs(images[1].astype(int) - images[0]).max(axis=-1) > 1
    return bool((labels[0] != labels[1]).any() or (inside & moved).any())


def _without_part(model: Model, edit: Edit, before: Codes, after: Codes, name: str, method: str) -> str:
    """Why a class had no part in an edit, or ""."""
    had, has = (codes[name].present.numpy() for codes in (before, after))
    if not (had | has).any():
        return ABSENT
    if method == "add" and had.all():
        return THERE
    old, new = (_area(model, samples, name) for samples in (edit.before, edit.after))
    if not (old + new).any():
        return UNSEEN
    return REMAINS if method == "remove" and (new > old / 2)[old > 0].all() else ""


def _remedy(model: Model, name: str, reason: str) -> str:
    if reason == THERE:
        return "choose pictures without it"
    if reason == REMAINS:
        return "models that were trained with training.class_sets=data draw pictures without some of their classes"
    codes = model.codes(TRIED)
    for tried in (codes, codes.having(add=[name])):  # as they are, and if none of these has it
        numbers = np.flatnonzero(_area(model, draw(model, tried), name) >= PRESENT)
        if numbers.size and tried is codes:
            return f"choose pictures that do, such as pictures={','.join(map(str, numbers[:4]))} of seed=0"
        if numbers.size:
            return "add it with method=add"
    return f"the model never draws it (in none of {TRIED} random pictures), so choose other classes"


def _area(model: Model, samples: Samples, name: str) -> np.ndarray:
    """The share of each picture's pixels that a class covers: (N,)."""
    return (samples.labels == model.index(name)).mean(axis=(1, 2))
