"""Frames to a video file: mp4 (H.264, encoded by PyAV) or gif (by Pillow)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from composegan.errors import UserError
from composegan.io.atomic import atomic_file

FORMATS = (".mp4", ".gif")
"""Endings that a video's name may have."""


def check_video_path(path: Path) -> None:
    """Raise UserError unless the path ends in .mp4 or .gif and its folder exists."""
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"out={path}: must end in .mp4 or .gif")
    if not path.parent.is_dir():
        raise UserError(f"out={path}: folder {path.parent} does not exist; create it first")


def write_video(path: Path, frames: Iterable[np.ndarray], rate: int) -> Path:
    """Write frames (H, W, 3) uint8 at `rate` frames per second, holding one at a time.

    mp4 stores colour per 2x2 pixels, so odd sizes lose a row or column. A gif repeats forever, with frame times in
    hundredths of a second. Raises UserError if it cannot be written.
    """
    check_video_path(path)
    with atomic_file(path) as temporary:
        (_write_gif if path.suffix.lower() == ".gif" else _write_mp4)(temporary, iter(frames), rate)
    return path


def _write_mp4(path: Path, frames: Iterator[np.ndarray], rate: int) -> None:
    import av

    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as file:
        stream: Any = None
        for frame in frames:
            frame = frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2]
            if stream is None:
                stream = file.add_stream("libx264", rate=Fraction(rate), options={"crf": "16", "preset": "medium"})
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "yuv420p"  # what browsers and phones play
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        file.mux(stream.encode())


def _write_gif(path: Path, frames: Iterator[np.ndarray], rate: int) -> None:
    # no dithering: it would flicker from frame to frame
    pictures = (Image.fromarray(frame).quantize(256, dither=Image.Dither.NONE) for frame in frames)
    duration = max(20, round(100 / rate) * 10)  # milliseconds; players slow shorter ones down
    next(pictures).save(path, format="GIF", save_all=True, append_images=pictures, duration=duration, loop=0)
