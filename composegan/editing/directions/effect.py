"""What a direction does to its attribute, to its classes' pixels and to other pixels: measured, and as pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from PIL import Image

from composegan.editing.directions.attributes import Attribute
from composegan.editing.directions.direction import Direction
from composegan.metrics.leakage import change, leakage, margin_of, region_of
from composegan.model.codes import Codes
from composegan.model.sample import draw
from composegan.model.saved_model import Model
from composegan.viz.pictures import ONE_LEVEL, table

STEPS = (-3, -2, -1, 0, 1, 2, 3)
"""Standard deviations of the pictures in a strip."""


@torch.inference_mode()
def measured(
    model: Model, direction: Direction, codes: Codes, amount: float, attribute: Attribute | None = None, batch: int = 16
) -> Direction:
    """The direction with the fact `effect`, what it does to the pictures of codes at +amount and -amount:

    amount, pictures: as given. change: mean absolute difference of colour within the classes (before or after), 0..1
    of full scale; most: the largest at a pixel, 0..2. leakage: the part of the whole change outside them, 0..1;
    leakage_beyond_margin: more than `margin` pixels away from them; both None if base codes move, which belong to all
    classes, or if nothing changes. attribute: its mean before, at plus and at minus, over the pictures that have it in
    all three.
    """
    margin = margin_of(model.generator.height, model.generator.width)
    classes = [model.index(name) for name in direction.target.classes]
    inside, pixels, total, most, outside = 0.0, 0, 0.0, 0.0, torch.zeros(2)
    values = []
    for some in (codes[start : start + batch] for start in range(0, len(codes), batch)):
        drawn = [model.synthesize(direction.apply(some, step)) for step in (0.0, amount, -amount)]
        images = [result.image.clamp(-1, 1) for result in drawn]
        labels = [result.mask.labels() for result in drawn]
        if attribute is not None:
            pairs = zip(images, labels, strict=True)
            values.append(torch.stack([attribute.measure(*pair).cpu() for pair in pairs], dim=1))
        for image, label in zip(images[1:], labels[1:], strict=True):
            difference = change(images[0], image)  # (N, H, W)
            whole, most = difference.sum(dim=(1, 2)), max(most, float(difference.max()))
            regions = [region_of(labels[0], label, classes, margin=m) for m in (0, margin)]
            region = torch.ones_like(regions[0]) if direction.target.base else regions[0]
            inside, pixels = inside + float((difference * region).sum()), pixels + int(region.sum())
            total += float(whole.sum())
            outside += torch.stack([(leakage(images[0], image, r) * whole).sum().cpu() for r in regions])
    known = not direction.target.base and most > ONE_LEVEL
    strict, beyond = (outside / total).tolist() if known else (None, None)
    effect: dict[str, Any] = {
        "amount": amount, "pictures": len(codes), "change": inside / max(pixels, 1) / 2, "most": most,
        "leakage": strict, "leakage_beyond_margin": beyond, "margin": margin,
    }  # fmt: skip
    if attribute is not None:
        there = torch.cat(values)
        there = there[there.isfinite().all(dim=1)]  # (n, 3)
        means = there.mean(dim=0).tolist() if len(there) else [None] * 3
        effect["attribute"] = dict(zip(("before", "plus", "minus"), means, strict=True))
    return direction.with_facts(effect=effect)


def report(direction: Direction) -> str:
    """The effect that `measured` found, in one line."""
    facts = direction.facts
    effect, parts = facts["effect"], []
    at = f"{effect['amount']:g}"
    if "attribute" in effect and effect["attribute"]["before"] is not None:
        before, plus, minus = (effect["attribute"][key] for key in ("before", "plus", "minus"))
        parts.append(f"{facts['attribute']} {minus:.3f} at -{at}, {before:.3f} at 0, {plus:.3f} at +{at}")
    if "accuracy" in facts:
        parts.append(f"{facts['accuracy']:.0%} of {facts['held_out']} held-out codes on the right side")
    changes = f"changes its pixels by {effect['change']:.1%} at {at}"
    parts.append(changes if effect["most"] > ONE_LEVEL else f"has no effect at {at}, nor at -{at}")
    if effect["leakage"] is not None:
        beyond = f"{effect['leakage_beyond_margin']:.1%} farther than {effect['margin']} px"
        parts.append(f"leakage {effect['leakage']:.1%}, {beyond}")
    return f"{direction.name}: {'; '.join(parts)}"


def strips(model: Model, directions: Iterable[Direction], codes: Codes, batch: int = 16) -> Image.Image:
    """Per direction a row of images at `STEPS`, with their coloured masks below; several pictures side by side."""
    rows, names = [], []
    for direction in directions:
        images, masks = [], []
        for one in codes:
            drawn = [draw(model, direction.apply(one, step), batch=batch) for step in STEPS]
            images += [samples.images for samples in drawn]
            masks += [samples.masks for samples in drawn]
        rows += [np.concatenate(images), np.concatenate(masks)]
        names += [direction.name, ""]
    columns = [f"{step:+d}" if step else "0" for step in STEPS] * len(codes)
    return table(rows, columns, names, least=64)
