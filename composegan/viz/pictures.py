"""Tensors to pictures: images, coloured masks, grids, tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from torch import Tensor

Colors = Sequence[tuple[int, int, int]]

HEAT = ((0, 0, 0), (70, 15, 110), (190, 50, 85), (250, 140, 30), (255, 245, 160))
"""Colours of a heat map, from low (dark) to high (light), so that it reads in grey as well."""


ONE_LEVEL, FULL_CHANGE = 2.01 / 255, 0.5
"""Changes of colours in -1..1: a level of 8 bits, up to which a change may be rounding, and 64 of them."""


def to_uint8(images: Tensor) -> np.ndarray:
    """Images (N, 3, H, W) in -1..1 (clamped) -> (N, H, W, 3) uint8."""
    return images.float().clamp(-1, 1).mul(127.5).add(127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def color_masks(labels: np.ndarray, colors: Colors) -> np.ndarray:
    """Labels (N, H, W) -> (N, H, W, 3) uint8 in the classes' colours."""
    return np.asarray(colors, dtype=np.uint8)[labels]


def grid(pictures: np.ndarray, columns: int) -> Image.Image:
    """Pictures (N, H, W, 3) uint8 side by side, row by row; the last row is filled up with black."""
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, height, width, 3), np.uint8)
    sheet[:count] = pictures
    sheet = sheet.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return Image.fromarray(sheet.reshape(rows * height, columns * width, 3))


def contact_sheet(images: np.ndarray, labels: np.ndarray, colors: Colors, pairs: int | None = None) -> Image.Image:
    """Each image with its coloured mask to its right. images: (N, H, W, 3) uint8; labels: (N, H, W).

    pairs: how many in a row; default: about as wide as high, in full rows if possible.
    """
    together = np.concatenate((images, color_masks(labels, colors)), axis=2)  # (N, H, 2W, 3)
    return grid(together, min(pairs or _pairs_in_a_row(len(images), images.shape[1], 2 * images.shape[2]), len(images)))


def numbered_sheet(images: np.ndarray, labels: np.ndarray, colors: Colors) -> Image.Image:
    """As `contact_sheet`, each pair below its number. Small pictures are enlarged to at least 64 pixels."""
    together = enlarge(np.concatenate((images, color_masks(labels, colors)), axis=2), least=64)
    strip, font = np.full((len(images), 16, together.shape[2], 3), 255, np.uint8), ImageFont.load_default(12)
    for number in range(len(images)):
        heading = Image.fromarray(strip[number])
        ImageDraw.Draw(heading).text((3, 8), str(number), "black", font, anchor="lm")
        strip[number] = np.asarray(heading)
    pairs = min(_pairs_in_a_row(len(images), images.shape[1], 2 * images.shape[2]), len(images))
    return grid(np.concatenate((strip, together), axis=1), pairs)


def _pairs_in_a_row(count: int, height: int, width: int) -> int:
    ideal = max(1.0, (count * height / width) ** 0.5)
    full = [n for n in range(1, count + 1) if count % n == 0 and ideal / 2 <= n <= ideal * 2]
    return max(full, key=lambda n: (min(n / ideal, ideal / n), n)) if full else round(ideal)


def heat_map(values: np.ndarray, most: float) -> np.ndarray:
    """Values (N, H, W) in 0..most (clamped) -> (N, H, W, 3) uint8 in the colours of `HEAT`."""
    place = np.clip(values / max(most, 1e-12), 0, 1) * (len(HEAT) - 1)
    anchors = np.arange(len(HEAT))
    channels = [np.interp(place, anchors, [color[c] for color in HEAT]) for c in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def change_map(change: np.ndarray) -> np.ndarray:
    """A heat map of changes of colour, (N, H, W) in 0..2, on one scale: black up to `ONE_LEVEL`, lightest from
    `FULL_CHANGE` on -> (N, H, W, 3) uint8."""
    return heat_map(np.where(change > ONE_LEVEL, change, 0), FULL_CHANGE)


def enlarge(pictures: np.ndarray, least: int) -> np.ndarray:
    """Repeat the pixels of pictures (N, H, W, 3) until the shorter side is at least `least` pixels."""
    times = max(1, -(-least // min(pictures.shape[1:3])))
    return pictures.repeat(times, axis=1).repeat(times, axis=2)


def table(
    rows: Sequence[np.ndarray], columns: Sequence[str] = (), names: Sequence[str] = (), *, least: int = 128
) -> Image.Image:
    """Rows of pictures with headings. rows: each (N, H, W, 3) uint8, N the same for all.

    columns, names: headings above the columns and left of the rows; empty: none. Small pictures are enlarged to at
    least `least` pixels on the shorter side.
    """
    cells = [enlarge(row, least) for row in rows]
    count, height, width = cells[0].shape[:3]
    font: Any = ImageFont.load_default(13)
    left = 10 + max((int(font.getlength(name)) for name in names), default=-10)
    top = 22 if columns else 0
    sheet = Image.new("RGB", (left + count * width, top + len(cells) * height), "white")
    draw = ImageDraw.Draw(sheet)
    for column, text in enumerate(columns):
        draw.text((left + (column + 0.5) * width, top / 2), _fitted(text, font, width), "black", font, anchor="mm")
    for row, pictures in enumerate(cells):
        sheet.paste(grid(pictures, count), (left, top + row * height))
        if names:
            draw.text((left - 5, top + (row + 0.5) * height), names[row], "black", font, anchor="rm")
    return sheet


def _fitted(text: str, font: Any, width: int) -> str:
    """The text, shortened until it is at most `width` pixels wide."""
    while len(text) > 1 and font.getlength(text) > width:
        text = text[:-2].rstrip() + "…"
    return text
