"""Interpolation: a smooth loop through the codes of several pictures, of everything or of some classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from composegan.editing.target import Target
from composegan.errors import UserError, whole_number
from composegan.model.codes import Codes
from composegan.model.delta import Delta
from composegan.model.sample import draw
from composegan.model.saved_model import Model
from composegan.viz.pictures import enlarge
from composegan.viz.video import write_video


def closed_curve(points: Tensor, between: int) -> Tensor:
    """A closed Catmull-Rom curve through points, once around: smooth everywhere, also where it closes.

    points: (N, ...), N >= 2; between: frames from one point to the next -> (N * between, ...), of which every
    `between`-th is a point itself. (Catmull and Rom 1974: the tangent at a point is half the difference of its two
    neighbours.)
    """
    before, after, later = points.roll(1, 0), points.roll(-1, 0), points.roll(-2, 0)
    t = torch.arange(between, dtype=points.dtype, device=points.device) / between
    t = t.view(1, between, *[1] * (points.dim() - 1))  # (1, between, ...)
    p0, p1, p2, p3 = (p.unsqueeze(1) for p in (before, points, after, later))  # (N, 1, ...)
    curve = 2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    return (curve / 2).flatten(0, 1)


def loop(codes: Codes, target: Target, between: int) -> Codes:
    """Codes of all frames of a loop through N >= 2 pictures: N * between. Codes outside the target stay the first
    picture's, and a frame has the classes and painted pixels of the nearest picture. Weights tuned to the pictures
    change in straight lines from one to the next if all codes change; otherwise they stay the first picture's.

    Raises UserError for a single picture.
    """
    if len(codes) < 2:
        raise UserError("a loop needs at least 2 pictures; name more with pictures=")
    nearest = (torch.arange(len(codes) * between) + between // 2) // between % len(codes)
    layout = None if codes.layout is None else codes.layout[nearest]
    curve = closed_curve(codes.slots, between)
    frames = replace(codes, slots=curve, present=codes.present[nearest], tuned=(), layout=layout)
    moved = codes[0].repeat(len(frames)).blend(frames, 1.0, chosen := target.mask(codes))
    if not codes.tuned or not chosen.all():
        return moved
    pairs = zip(codes.tuned, codes.tuned[1:] + codes.tuned[:1], strict=True)
    tuned = [Delta.between_two(*pair, step / between) for pair in pairs for step in range(between)]
    return replace(moved, tuned=tuple(tuned))


def draw_frames(model: Model, frames: Codes, *, masks: bool, least: int, batch: int = 16) -> Iterator[np.ndarray]:
    """Yield pictures (H, W, 3) uint8, drawn `batch` at a time. masks: beside them.

    least: small pictures are enlarged to at least this many pixels on the shorter side.
    """
    for start in range(0, len(frames), batch):
        samples = draw(model, frames[start : start + batch], batch=batch)
        pictures = np.concatenate((samples.images, samples.masks), axis=2) if masks else samples.images
        yield from enlarge(pictures, least)


def write_frames(
    model: Model,
    frames: Codes,
    path: Path,
    *,
    rate: int = 24,
    masks: bool = True,
    least: int = 256,
    batch: int = 16,
    done: Callable[[int], None] = lambda n: None,
) -> Path:
    """Write the pictures of frames to an mp4 or gif at `rate` frames per second; see `draw_frames`.

    done: called with 1 after each frame. Raises UserError for another ending, and if the file cannot be written.
    """
    batch = whole_number("batch", batch, least=1)

    def counted() -> Iterator[np.ndarray]:
        for picture in draw_frames(model, frames, masks=masks, least=least, batch=batch):
            done(1)
            yield picture

    return write_video(path, counted(), rate)
