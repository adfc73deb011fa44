"""From an attribute, or labels, to a direction: which codes are told apart, and the normal of their boundary."""

from __future__ import annotations

import math
import re
from pathlib import Path

import torch
from torch import Tensor

from composegan.editing.directions.attributes import Attribute
from composegan.editing.directions.boundary import FEWEST, find_boundary, split_extremes
from composegan.editing.directions.direction import Direction, Target
from composegan.editing.directions.labels import read_labels
from composegan.editing.directions.sampling import attribute_of, mixed_codes
from composegan.errors import UserError
from composegan.model.codes import Codes
from composegan.model.saved_model import Model


def attribute_direction(
    model: Model,
    target: Target,
    attribute: Attribute,
    spread: Tensor,
    *,
    n: int = 2000,
    share: float = 1 / 3,
    seed: int = 0,
    truncation: float = 0.7,
    batch: int = 16,
    title: str = "",
    keep: Path | None = None,
) -> Direction:
    """Towards pictures with the attribute, from n of `mixed_codes`.

    A figure with many values is split into its highest and lowest `share`. title, keep: see `attribute_of`. Facts:
    `attribute`, `pictures` that were told apart, held-out `accuracy` (0.5 is chance).
    Raises UserError when a side has too few pictures.
    """
    slots = target.slots(model)
    codes = mixed_codes(model, n, slots, seed=seed, truncation=truncation)
    values = attribute_of(model, codes, attribute, batch, title, keep)
    if attribute.binary:
        without, with_it = (values == 0).nonzero().flatten(), (values == 1).nonzero().flatten()
        ends = f"{len(with_it)} of {n} pictures have {attribute.text}, {len(without)} do not"
    else:
        without, with_it = split_extremes(values, share)
        there = int(values.isfinite().sum())
        ends = f"{attribute.text} splits {n} pictures ({there} have it at all) into {len(without)} and {len(with_it)}"
    if min(len(without), len(with_it)) < FEWEST:
        raise UserError(
            f"method=boundary: {ends}; {FEWEST} on each side are needed: "
            "raise n= or truncation=, or choose an attribute that varies"
        )
    told = torch.cat((without, with_it))
    what = attribute.kind
    if attribute.subject and (attribute.subject,) != target.classes:
        what = f"{attribute.subject}-{what}"
    return _direction(
        model, target, what, codes.slots[told], torch.arange(len(told)) >= len(without), spread, seed
    ).with_facts(attribute=attribute.text, pictures=len(told))


def labelled_direction(model: Model, target: Target, path: Path, codes: Codes, spread: Tensor, seed: int) -> Direction:
    """Towards the codes that a CSV labels 1, see `read_labels`. Named after the file. Facts as above.

    Raises UserError for a file that is not such labels, and when a side has too few.
    """
    numbers, sides = read_labels(path, len(codes))
    ones = int(sides.sum())
    if min(ones, len(sides) - ones) < FEWEST:
        raise UserError(
            f"labels={path}: {ones} pictures are labelled 1 and {len(sides) - ones} are labelled 0; "
            f"{FEWEST} of each are needed: label more"
        )
    what = re.sub(r"[^\w-]+", "-", path.stem).strip("-") or "labels"
    direction = _direction(model, target, what, codes.slots[numbers], sides, spread, seed)
    return direction.with_facts(labels=path.name, pictures=len(numbers))


def _direction(
    model: Model, target: Target, what: str, slots: Tensor, sides: Tensor, spread: Tensor, seed: int
) -> Direction:
    """slots: (N, base + 2K, S); sides: (N,) bool; the chosen slots are taken to have codes of their own each."""
    chosen = target.slots(model)
    boundary = find_boundary(slots[:, list(chosen)].flatten(1).cpu(), sides, seed)
    vectors = boundary.normal.unflatten(0, (len(chosen), -1))  # (m, S)
    sigma = math.sqrt(float(torch.einsum("ms,st,mt->", vectors.double(), spread, vectors.double())))
    name = f"{target.name(model.classes)}.{what}"
    facts = {"accuracy": boundary.accuracy, "held_out": boundary.held_out, "regularization": boundary.strength}
    return Direction(name, "boundary", target, chosen, vectors, sigma, model.space, model.classes, facts)
