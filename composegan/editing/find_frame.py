"""The frame of a photo that is most like a model's data: a search over places and sizes, coarse to fine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from PIL import Image

from composegan.data.framing import Frame, frame_at, parse_crop
from composegan.editing.likeness import References
from composegan.runtime.console import print_line

LARGEST = 1024
"""Longer side at which a photo is searched, pixels."""
SMALLEST = 1 / 5
"""Smallest frame, as a part of the largest one that fits into the photo."""
SHRINK, STEP = 2**-0.5, 1 / 4
"""Ratio of two sizes, and distance of two frames of a size as a part of their sides, in the coarse search."""
KEPT, ROUNDS, FINER = 6, 10, 1.3
"""Frames that are moved to better places, rounds of that, and by how much each round's moves are shorter."""
BETTER = 0.9
"""A frame that was found replaces the central one if its distance is at most this part of that one's."""


@dataclass(frozen=True)
class Found:
    """A frame of a photo; distance: of what it shows, see `References`; central: that of the central frame."""

    frame: Frame
    distance: float
    central: float


def find_frame(photo: np.ndarray, references: References, always: bool = False) -> Found:
    """The frame of a photo, uint8 (3, H, W), that is most like the model's data.

    The central frame, if that is as near as nine tenths of held-out pictures are, or if none is clearly nearer. always:
    search in any case, and return the best.
    """
    height, width = references.height, references.width
    central = Frame.central(photo, height, width)
    picture = Image.fromarray(np.ascontiguousarray(photo.transpose(1, 2, 0)))
    first = _distances(picture, [central], references)[0]
    if not always and first <= references.near:
        return Found(central, first, first)
    scale = min(1.0, LARGEST / max(picture.size))
    columns, rows = (max(1, round(side * scale)) for side in picture.size)
    small = picture.resize((columns, rows), Image.Resampling.BOX)
    best = _search(small, references)
    whole = best.scaled(small.height, small.width, picture.height, picture.width)
    frame = _with_aspect(whole, picture, height, width)
    distance = _distances(picture, [frame], references)[0]
    if distance <= first * (1.0 if always else BETTER):
        return Found(frame, distance, first)
    return Found(central, first, first)


def _search(picture: Image.Image, references: References) -> Frame:
    frames = coarse_frames(picture.height, picture.width, references.height, references.width)
    scores = dict(zip(frames, _distances(picture, frames, references), strict=True))
    kept: list[Frame] = []
    for frame in sorted(frames, key=lambda one: scores[one]):
        if len(kept) < KEPT and all(_apart(frame, other) for other in kept):
            kept.append(frame)
    move = STEP / 2
    for number in range(ROUNDS):
        new = [
            frame
            for one in kept
            for frame in _moved(one, move, references, picture)
            if frame not in scores
        ]  # fmt: skip
        scores |= dict(zip(new, _distances(picture, new, references), strict=True))
        kept = [min((one, *_moved(one, move, references, picture)), key=lambda at: scores[at]) for one in kept]
        kept = sorted(set(kept), key=lambda one: scores[one])[: max(2, KEPT - number)]
        move /= FINER
    return kept[0]


def coarse_frames(rows: int, columns: int, height: int, width: int) -> list[Frame]:
    """Frames of the aspect ratio height : width all over a photo of rows x columns."""
    scale = min(rows / height, columns / width)
    frames, size = [], 1.0
    while size >= SMALLEST:
        tall, wide = max(1, round(height * scale * size)), max(1, round(width * scale * size))
        tops, lefts = (
            np.linspace(0, free, int(np.ceil(free / (STEP * side))) + 1).round().astype(int).tolist()
            for free, side in ((max(0, rows - tall), tall), (max(0, columns - wide), wide))
        )
        frames += [Frame(left, top, min(wide, columns), min(tall, rows)) for top, left in product(tops, lefts)]
        size *= SHRINK
    return list(dict.fromkeys(frames))


def _moved(frame: Frame, move: float, references: References, picture: Image.Image) -> list[Frame]:
    """Frames beside this one, and larger and smaller ones, within the picture."""
    found = []
    for right, down, grow in [*product((-1, 0, 1), (-1, 0, 1), (0,)), (0, 0, 1), (0, 0, -1)]:
        factor = 4 ** (move * grow)
        tall = max(1, round(frame.height * factor))
        wide = max(1, round(tall * references.width / references.height))
        left = round(frame.left + frame.width * (0.5 + right * move) - wide / 2)
        top = round(frame.top + frame.height * (0.5 + down * move) - tall / 2)
        new = Frame(left, top, wide, tall)
        if new.inside(picture.height, picture.width):
            found.append(new)
    return found


def _with_aspect(frame: Frame, picture: Image.Image, height: int, width: int) -> Frame:
    """The frame with the exact aspect ratio, within the picture."""
    wide = min(frame.width, picture.width, int(picture.height * width / height))
    tall = min(picture.height, max(1, round(wide * height / width)))
    return Frame(min(frame.left, picture.width - wide), min(frame.top, picture.height - tall), wide, tall)


def _apart(frame: Frame, other: Frame) -> bool:
    """Whether two frames are not nearly the same."""
    away = abs(frame.left - other.left) / other.width + abs(frame.top - other.top) / other.height
    return away > 0.3 or abs(np.log2(frame.width / other.width)) > 0.6


def _distances(picture: Image.Image, frames: Sequence[Frame], references: References) -> list[float]:
    size, found = (references.width, references.height), []
    for start in range(0, len(frames), 64):
        parts = []
        for frame in frames[start : start + 64]:
            box = (frame.left, frame.top, frame.left + frame.width, frame.top + frame.height)
            parts.append(np.asarray(picture.crop(box).resize(size, Image.Resampling.LANCZOS)).transpose(2, 0, 1))
        found += references.distances(np.stack(parts)).tolist()
    return found


def framer(crop: str, references: References | None) -> Callable[[str, np.ndarray], Frame]:
    """How `crop=` chooses the frame of a photo: (name, pixels (3, H, W)) -> frame. Prints where a search found it.

    references: needed for "auto" and "find". Raises UserError for text that is no choice; the function itself, for a
    frame outside of a photo.
    """
    numbers = parse_crop(crop)

    def choose(name: str, photo: np.ndarray) -> Frame:
        assert references is not None
        if numbers:
            return frame_at(numbers, photo, name, references.height, references.width)
        central = Frame.central(photo, references.height, references.width)
        if crop == "center":
            return central
        found = find_frame(photo, references, always=crop == "find")
        if found.frame != central:
            print_line(
                f"{name}: uses crop={found.frame} of {photo.shape[2]}x{photo.shape[1]} pixels, {found.distance:.2f} "
                f"from the model's pictures (the centre: {found.central:.2f}; crop=center takes it)"
            )
        return found.frame

    return choose
