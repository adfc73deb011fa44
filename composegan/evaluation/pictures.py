"""The images of a report: what is easier to see than to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from composegan.viz.pictures import change_map, color_masks, table, to_uint8

if TYPE_CHECKING:
    from composegan.evaluation.class_edits import ClassEdits

BARS = {"presence_real": ("real", (90, 90, 95)), "presence_generated": ("generated", (40, 130, 200)),
        "presence_seen": ("seen by the segmenter", (235, 150, 50))}  # fmt: skip
WIDTH, BAR, GAP = 460, 8, 8


@dataclass(frozen=True)
class Example:
    """A generated picture. image: (3, H, W) in -1..1; labels, seen: (H, W) uint8, its mask and the segmenter's;
    agreement: their mean IoU."""

    agreement: float
    image: Tensor
    labels: Tensor
    seen: Tensor


def agreement_sheet(
    worst: Sequence[Example], best: Sequence[Example], colors: Sequence[tuple[int, int, int]]
) -> Image.Image:
    """The pictures on whose masks generator and segmenter agree least, and most: picture, mask, segmenter's mask."""
    rows, names = [], []
    for title, examples in (("least", worst), ("most", best)):
        for example in examples:
            masks = [color_masks(labels[None].numpy(), colors)[0] for labels in (example.labels, example.seen)]
            rows.append(np.stack([to_uint8(example.image[None])[0], *masks]))
            names.append(f"{title}, {example.agreement:.2f}")
    return table(rows, ("generated", "its mask", "segmenter's"), names, least=96)


def leakage_sheet(found: Sequence[ClassEdits], classes: Sequence[str]) -> Image.Image:
    """For each class a picture, the same with another texture and where that changed it, and likewise for its shape."""
    rows, names = [], []
    for each in found:
        cells = [each.before]
        for part in ("texture", "shape"):
            cells += [each.after[part], change_map(each.heat[part][None])[0]]
        rows.append(np.stack(cells))
        leakage = [each.measured[part]["leakage"] for part in ("texture", "shape")]
        values = ["-" if value != value else f"{value:.2f}" for value in leakage]
        names.append(" ".join((classes[each.k], *values)))
    return table(rows, ("before", "other texture", "change", "other shape", "change"), names, least=96)


def presence_chart(by_class: Mapping[str, Mapping[str, float | None]]) -> Image.Image:
    """The share of pictures that each class is in: real, generated, and generated as the segmenter sees them."""
    font, small = ImageFont.load_default(13), ImageFont.load_default(10)
    first = next(iter(by_class.values()))
    bars = [(key, *BARS[key]) for key in BARS if key in first]
    left = 14 + max(int(font.getlength(name)) for name in by_class)
    height = GAP + len(bars) * BAR
    sheet = Image.new("RGB", (left + WIDTH + 50, 46 + len(by_class) * height + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    x = left
    for _, title, color in bars:
        draw.rectangle((x, 11, x + 10, 21), fill=color)
        draw.text((x + 15, 16), title, "black", font, anchor="lm")
        x += 35 + int(font.getlength(title))
    for row, (name, numbers) in enumerate(by_class.items()):
        top = 46 + row * height
        draw.text((left - 7, top + (height - GAP) / 2), name, "black", font, anchor="rm")
        for place, (key, _, color) in enumerate(bars):
            y, width = top + place * BAR, max(1, round((numbers[key] or 0) * WIDTH))
            draw.rectangle((left, y, left + width, y + BAR - 2), fill=color)
    for tick in (0, 0.5, 1):
        draw.line((left + tick * WIDTH, 40, left + tick * WIDTH, sheet.height - 4), fill=(200, 200, 200))
        draw.text((left + tick * WIDTH + 3, 38), f"{tick:.0%}", (120, 120, 120), small, anchor="ls")
    return sheet
