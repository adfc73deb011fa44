"""Frames to a video file: mp4 (H.264) or gif, with encoders that come with the packages `av` and Pillow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from composegan.errors import UserError, nearest
from composegan.io.atomic import atomic_file

FORMATS = (".mp4", ".gif")


def check_video_path(path: Path) -> None:
    """Raises UserError for another ending than .mp4 or .gif, or a folder that is not there."""
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"out={path}: {nearest(path.suffix, FORMATS)}")
    if not path.parent.is_dir():
        raise UserError(f"out={path}: there is no folder {path.parent}")


def write_video(path: Path, frames: Iterable[np.ndarray], rate: int) -> Path:
    """Write frames (H, W, 3) uint8, shown `rate` a second, one after another: only one is held at a time.

    Odd heights and widths lose a row or column in mp4, whose colour is stored for 2x2 pixels. A gif goes round for
    ever, at one of the rates it knows (hundredths of a second a frame). Raises UserError when it cannot be written.
    """
    check_video_path(path)
    with atomic_file(path) as temporary:
        (_write_gif if path.suffix.lower() == ".gif" else _write_mp4)(temporary, iter(frames), rate)
    return path


def _write_mp4(path: Path, frames: Iterator[np.ndarray], rate: int) -> None:
    import av

    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as file:
        stream = None
        for frame in frames:
            frame = frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2]
            if stream is None:
                stream = file.add_stream("libx264", rate=Fraction(rate), options={"crf": "16", "preset": "medium"})
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "yuv420p"  # what browsers and phones play
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        file.mux(stream.encode())


def _write_gif(path: Path, frames: Iterator[np.ndarray], rate: int) -> None:
    # Without dithering, which would flicker from frame to frame.
    pictures = (Image.fromarray(frame).quantize(256, dither=Image.Dither.NONE) for frame in frames)
    duration = max(20, round(100 / rate) * 10)  # milliseconds; players slow shorter ones down
    next(pictures).save(path, format="GIF", save_all=True, append_images=pictures, duration=duration, loop=0)
