"""Painting: label maps that decide where classes are, given by hand, taken from other pictures, or moved.

A model whose family composes given layouts draws them at once: the codes keep the painted pixels (`Codes.layout`). Of
any other, shape codes are searched whose picture has the layout.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from composegan.editing.label_maps import filled, grown, moved
from composegan.editing.shape_search import search_shapes
from composegan.editing.target import Target
from composegan.errors import UserError, check_number, check_positive
from composegan.model.codes import Codes
from composegan.model.layout import layout_of
from composegan.model.sample import Samples, draw
from composegan.model.saved_model import Model
from composegan.networks.layout import OPEN

RING = 1 / 16
"""Width of the ring around changed classes in which the other classes are held where they are drawn, as a part of the
picture's shorter side. The pseudo-depths of the codes are soft, and would show through at the old outline."""


def paint_codes(model: Model, codes: Codes, masks: np.ndarray, classes: tuple[str, ...] | None = None) -> Codes:
    """Codes whose pictures have the layout of label maps: masks (1 or N, H, W) uint8, OPEN where the codes decide.

    classes: take only these from the masks, and leave the others where they are drawn; what they uncover is filled by
    what is nearest. None: the whole masks. One picture is repeated for several masks. Raises UserError for masks of
    another size or number, labels that are no class, and masks without any of `classes`.
    """
    masks = check_masks(model, codes, masks, classes)
    codes = codes.repeat(len(masks)) if len(codes) == 1 else codes
    masks = masks.repeat(len(codes), 0) if len(masks) == 1 else masks
    if classes is None:
        return laid_out(model, codes, masks)
    chosen = [model.index(name) for name in classes]
    drawn = draw(model, codes)
    wanted = []
    for mask, labels in zip(masks, drawn.labels, strict=True):
        taken = np.isin(mask, chosen)
        removed = np.isin(labels, chosen) & (mask != OPEN)
        wanted.append(np.where(taken, mask, filled(labels, removed)))
    return _changed(model, codes, drawn, np.stack(wanted), chosen)


def move_codes(model: Model, codes: Codes, target: Target, dx: float, dy: float, scale: float = 1.0) -> Codes:
    """Codes whose pictures show the classes of the target moved together, see `editing.label_maps.moved`.

    dx, dy: pixels to the right and down; scale: of the size. Pictures without the classes stay as they are. Raises
    UserError for values that are not finite, and a scale of 0 or less.
    """
    for name, value in (("dx", dx), ("dy", dy)):
        check_number(name, value)
    check_positive("scale", scale)
    chosen, drawn = [model.index(name) for name in target.classes], draw(model, codes)
    wanted = [
        moved(labels, chosen, dx, dy, scale) if np.isin(labels, chosen).any() else labels for labels in drawn.labels
    ]
    return _changed(model, codes, drawn, np.stack(wanted), chosen)


def differing(model: Model, before: Codes, after: Codes) -> tuple[str, ...]:
    """The classes that pixels have before or after and not both, in pictures of both. Raises UserError for none."""
    first, second = (draw(model, codes).labels for codes in (before, after))
    changed = first != second
    if not changed.any():
        raise UserError("mask: the pictures have this layout already; paint something else")
    return tuple(model.classes[label] for label in np.union1d(first[changed], second[changed]))


def _changed(model: Model, codes: Codes, drawn: Samples, wanted: np.ndarray, classes: list[int]) -> Codes:
    """Codes with the layout `wanted` (N, H, W) near the classes, before or after, and their own elsewhere."""
    ring = max(1, round(RING * min(wanted.shape[1:])))
    near = np.stack([grown(region, ring) for region in np.isin(drawn.labels, classes) | np.isin(wanted, classes)])
    same = (drawn.labels == wanted).all(axis=(1, 2))
    near[same] = False
    return laid_out(model, codes, np.where(near, wanted, OPEN))


def laid_out(model: Model, codes: Codes, layout: np.ndarray) -> Codes:
    """Codes whose pictures have this layout (N, H, W), OPEN where it stays. Classes that have pixels become present;
    those that have none in a layout without open pixels become absent."""
    if not hasattr(model.generator, "with_layout"):
        return search_shapes(model, codes, torch.from_numpy(layout))
    given = torch.from_numpy(layout)
    given = torch.where(given == OPEN, layout_of(codes, given), given)  # painted before
    present = codes.present.clone()
    for here, labels in zip(present, given, strict=True):
        values = labels.unique()
        here.logical_and_(torch.tensor(OPEN in values.tolist()))
        here[values[values != OPEN].long()] = True
    return replace(codes, present=present, layout=given)


def check_masks(model: Model, codes: Codes, masks: np.ndarray, classes: tuple[str, ...] | None) -> np.ndarray:
    """The masks after checking them, as `paint_codes` does."""
    size = (model.generator.height, model.generator.width)
    if not isinstance(masks, np.ndarray) or masks.dtype != np.uint8 or masks.ndim != 3 or not len(masks):
        raise UserError(f"mask: is not an array of labels, uint8 (N, {size[0]}, {size[1]})")
    if masks.shape[1:] != size:
        raise UserError(
            f"mask: is {masks.shape[2]}x{masks.shape[1]}; the model draws {size[1]}x{size[0]}, so scale it to that, "
            "without interpolation"
        )
    if len(masks) > 1 and len(codes) not in (1, len(masks)):
        raise UserError(f"mask: {len(masks)} masks for {len(codes)} pictures; give one, or one for each")
    wrong = masks[(masks >= len(model.classes)) & (masks != OPEN)]
    if wrong.size:
        raise UserError(
            f"mask: label {wrong.min()} in {(wrong == wrong.min()).sum():,} pixels is no class; the "
            f"{len(model.classes)} classes are 0 to {len(model.classes) - 1}, and {OPEN} leaves a pixel to the codes"
        )
    if classes is not None and not np.isin(masks, [model.index(name) for name in classes]).any():
        there = ", ".join(model.classes[label] for label in np.unique(masks) if label != OPEN)
        raise UserError(f"mask: has no pixel of {', '.join(classes)}; it has {there or 'no class at all'}")
    if (masks == OPEN).all():
        raise UserError("mask: no pixel has a class; paint some")
    return masks
