"""Find directions by any method, and measure what they do: what `composegan directions` and `Model.directions` call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from composegan.editing import DIRECTION_METHODS
from composegan.editing.directions.attributes import Attribute, class_attribute
from composegan.editing.directions.classifier import classifier_attribute, is_classifier
from composegan.editing.directions.direction import Direction
from composegan.editing.directions.effect import measured
from composegan.editing.directions.supervised import attribute_direction, labelled_direction
from composegan.editing.directions.unsupervised import covariance, pca_directions, sefa_directions
from composegan.editing.target import Target
from composegan.errors import UserError, check_choice
from composegan.model import TRUNCATION
from composegan.model.codes import Codes
from composegan.model.random_codes import draw_codes
from composegan.model.saved_model import Model
from composegan.runtime.progress import progress_bar


def find_directions(
    model: Model,
    target: Target,
    method: str = "pca",
    *,
    count: int = 5,
    attribute: str | None = None,
    weights: Path | None = None,
    labels: Path | None = None,
    codes: Codes | None = None,
    n: int = 2000,
    share: float = 0.33,
    seed: int = 0,
    truncation: float = TRUNCATION,
    batch: int = 16,
    keep: Path | None = None,
    measured_on: int = 64,
    amount: float = 2.0,
    found: Callable[[Direction], object] = lambda direction: None,
) -> list[Direction]:
    """Directions of a target, with their measured effect as the fact `effect` (see `effect.measured`).

    method: "pca" and "sefa" find `count`. "boundary" finds one, towards an attribute of n random pictures such as
    "area(hair)" (share: the fraction on each side; keep: see `attribute_of`; weights: of a
    classifier's network), or towards the codes that a CSV file labels 1. measured_on: pictures at which the effect is
    measured, at +amount and -amount standard deviations; 0: not measured. found: called with each measured direction.
    Raises UserError for a method, attribute, count or file that cannot be used, and for too few pictures on a side.
    """
    target = replace(target, classes=tuple(sorted(target.classes, key=model.index)))  # for its name
    known = attribute_named(attribute, weights, model)
    spread = covariance(model)
    check_choice("method", method, DIRECTION_METHODS)
    if method != "boundary":
        if not 1 <= count <= len(spread):
            raise UserError(f"count={count}: must be 1 to {len(spread)}, the width of the model's codes")
        directions = (pca_directions if method == "pca" else sefa_directions)(model, target, count, spread)
    elif known is not None:
        directions = [
            attribute_direction(
                model, target, known, spread, n=n, share=share, seed=seed, truncation=truncation, batch=batch,
                title=f"measuring {known.text}", keep=keep,
            )
        ]  # fmt: skip
    elif labels is not None and codes is not None:
        directions = [labelled_direction(model, target, labels, codes, spread, seed)]
    else:
        raise UserError("method=boundary needs attribute=, as in 'attribute=area(hair)', or labels= and codes=")
    if measured_on:
        pictures = draw_codes(model, measured_on, seed=seed + 1, truncation=truncation)
        with progress_bar("measuring", len(directions)) as advance:
            for number, direction in enumerate(directions):
                directions[number] = measured(model, direction, pictures, amount, known, batch)
                found(directions[number])
                advance(1)
    return directions


def attribute_named(text: str | None, weights: Path | None, model: Model) -> Attribute | None:
    """The attribute, such as `area(hair)` or `classifier(NETWORK:CLASS)`. Raises UserError for an unknown one."""
    if not text:
        return None
    if is_classifier(text):
        return classifier_attribute(text, weights, model.device)
    if weights:
        raise UserError("weights= is for attribute=classifier(NETWORK:CLASS)")
    return class_attribute(text, model.classes)
