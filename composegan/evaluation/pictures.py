"""Pictures for what a person would rather look at than read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from composegan.evaluation.edits import Leakage
from composegan.evaluation.generated import Generated
from composegan.viz.pictures import color_masks, heat_map, table

BARS = {"presence_real": ("real", (90, 90, 95)), "presence_generated": ("generated", (40, 130, 200)),
        "presence_seen": ("seen by the segmenter", (235, 150, 50))}  # fmt: skip
WIDTH, BAR, GAP = 460, 8, 8


def agreement_sheet(generated: Generated, colors: Sequence[tuple[int, int, int]]) -> Image.Image:
    """The pictures on whose masks generator and segmenter agree least, and most: picture, mask, segmenter's mask."""
    rows, names = [], []
    for title, examples in (("least", generated.worst), ("most", generated.best)):
        for picture, own, seen in [
            (e.image, color_masks(e.labels[None], colors)[0], color_masks(e.seen[None], colors)[0]) for e in examples
        ]:
            rows.append(np.stack([picture, own, seen]))
        names += [f"{title}, {example.agreement:.2f}" for example in examples]
    return table(rows, ("generated", "its mask", "segmenter's"), names, least=96)


def leakage_sheet(leakage: Leakage, classes: Sequence[str]) -> Image.Image:
    """For each class one picture, its texture drawn anew, where that changed it, and the same for its shape."""
    rows = []
    for row in range(len(leakage.rows)):
        cells = [leakage.before[row]]
        for part in ("texture", "shape"):
            heat = leakage.heat[part][row]
            cells += [leakage.after[part][row], heat_map(heat[None], float(heat.max()))[0]]
        rows.append(np.stack(cells))
    columns = ("before", "other texture", "change", "other shape", "change")
    names = [f"{classes[k]} {leakage.values['texture'][k]:.2f} {leakage.values['shape'][k]:.2f}" for k in leakage.rows]
    return table(rows, columns, names, least=96)


def presence_chart(by_class: Mapping[str, Mapping[str, float | None]]) -> Image.Image:
    """In which part of the pictures each class is: bars for the real ones, the generated ones, and by the segmenter."""
    font = ImageFont.load_default(13)
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
            y = top + place * BAR
            draw.rectangle((left, y, left + max(1, round(numbers[key] * WIDTH)), y + BAR - 2), fill=color)
    for tick in (0, 0.5, 1):
        draw.line((left + tick * WIDTH, 40, left + tick * WIDTH, sheet.height - 4), fill=(200, 200, 200))
        draw.text(
            (left + tick * WIDTH + 3, 38), f"{tick:.0%}", (120, 120, 120), ImageFont.load_default(10), anchor="ls"
        )
    return sheet
