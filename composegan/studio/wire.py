"""What the page gets: a picture with its labels as raw bytes, and the state of a session as plain values."""

from __future__ import annotations

import base64
import io
import json
import struct
from typing import Any

import numpy as np
from PIL import Image

from composegan.model.sample import Sample
from composegan.session.session import Session
from composegan.studio.words import described

THUMBNAIL = 128
"""Pixels of the longer side of a small picture."""


def packed(sample: Sample, state: dict[str, Any]) -> bytes:
    """The length of the header in four bytes (little endian), the header as JSON, RGB pixels, labels."""
    pixels = np.asarray(sample.image)
    header = json.dumps({**state, "width": pixels.shape[1], "height": pixels.shape[0]}).encode()
    return struct.pack("<I", len(header)) + header + pixels.tobytes() + sample.labels.tobytes()


def state_of(session: Session) -> dict[str, Any]:
    """What the page shows besides the picture."""
    present = session.codes.present[0].tolist()
    return {
        "start": dict(session.start),
        "history": [described(request) for request in session.history],
        "last": session.history[-1].content if session.history else None,
        "next": described(session.undone[0]) if session.undone else "",
        "undone": len(session.undone),
        "present": [bool(value) for value in present],
        "locked": [name in session.locked for name in session.model.classes],
    }


def cropped(pixels: np.ndarray) -> np.ndarray:
    """The square around what is seen of a layer (H, W, 4), with a margin, so that small parts can be recognized."""
    rows, columns = np.nonzero(pixels[..., 3] > 127)
    if not len(rows):
        return pixels
    height, width = pixels.shape[:2]
    size = min(height, width, max(int(1.2 * max(np.ptp(rows), np.ptp(columns))) + 1, height // 5))
    top = int(np.clip((rows.min() + rows.max() - size) // 2, 0, height - size))
    left = int(np.clip((columns.min() + columns.max() - size) // 2, 0, width - size))
    return pixels[top : top + size, left : left + size]


def thumbnail(pixels: np.ndarray) -> str:
    """A picture (H, W, 3 or 4) of uint8 as a data URL, at most `THUMBNAIL` pixels long."""
    picture = Image.fromarray(pixels)
    if max(picture.size) > THUMBNAIL:
        picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=3)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
