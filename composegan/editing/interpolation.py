"""A smooth loop through codes, of everything or of some classes only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from composegan.model.codes import Codes
from composegan.model.sample import draw
from composegan.model.saved_model import Model
from composegan.viz.pictures import enlarge


def closed_curve(points: Tensor, between: int) -> Tensor:
    """A closed Catmull-Rom curve through points, once round: smooth everywhere, also where it begins.

    points: (N, ...), N >= 2; between: frames from one point to the next -> (N * between, ...), of which every
    `between`-th is a point itself. (Catmull and Rom 1974: the tangent at a point is half the way from the one before
    to the one after.)
    """
    before, after, later = points.roll(1, 0), points.roll(-1, 0), points.roll(-2, 0)
    t = torch.arange(between, dtype=points.dtype, device=points.device) / between
    t = t.view(1, between, *[1] * (points.dim() - 1))  # (1, between, ...)
    p0, p1, p2, p3 = (p.unsqueeze(1) for p in (before, points, after, later))  # (N, 1, ...)
    curve = 2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    return (curve / 2).flatten(0, 1)


def loop(codes: Codes, chosen: Tensor, between: int) -> Codes:
    """Codes of all frames of a loop through N pictures. chosen: the slots that move (`Codes.slots_of`); the others stay
    the first picture's."""
    nearest = (torch.arange(len(codes) * between) + between // 2) // between % len(codes)  # its classes are a frame's
    frames = replace(codes, slots=closed_curve(codes.slots, between), present=codes.present[nearest])
    return codes[0].repeat(len(frames)).blend(frames, 1.0, chosen)


def draw_frames(model: Model, frames: Codes, *, masks: bool, least: int, batch: int = 16) -> Iterator[np.ndarray]:
    """Pictures (H, W, 3) uint8 one after another, drawn `batch` at a time; with masks, those beside them.

    least: small pictures are enlarged to at least this many pixels on the shorter side.
    """
    for start in range(0, len(frames), batch):
        samples = draw(model, frames[start : start + batch], batch=batch)
        pictures = np.concatenate((samples.images, samples.masks), axis=2) if masks else samples.images
        yield from enlarge(pictures, least)
