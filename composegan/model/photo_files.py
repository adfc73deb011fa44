"""Photos that edits are carried back into, as files: photos/NAME.png, and photos.json with the frame of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from composegan.data.framing import Frame, Framed
from composegan.data.rgb import read_image
from composegan.io.atomic import atomic_file, write_json
from composegan.io.guarded import TEXT, read_json, reading
from composegan.io.schema import COUNT, STRING, check

PHOTOS, FRAMES = "photos", "photos.json"
FRAME = [COUNT]
"""left, top, width and height."""


def write_photos(folder: Path, photos: Sequence[Framed]) -> None:
    """Write the photos, and remove what was there. Names may be repeated; a number then follows."""
    for file in folder.glob("*.png"):
        file.unlink()
    (folder / FRAMES).unlink(missing_ok=True)
    if not photos:
        return
    folder.mkdir(exist_ok=True)
    records: list[dict[str, Any]] = []
    for photo in photos:
        name = plain = photo.name.replace("/", "_")
        count = 1
        while any(name == record["file"] for record in records):
            count += 1
            name = f"{plain}-{count}"
        with atomic_file(folder / f"{name}.png") as temporary:
            Image.fromarray(photo.pixels).save(temporary, "PNG")
        frame = photo.frame
        records.append({"file": name, "name": photo.name, "frame": [frame.left, frame.top, frame.width, frame.height]})
    write_json(folder / FRAMES, records)


def read_photos(folder: Path, count: int) -> tuple[Framed, ...]:
    """What `write_photos` wrote, () if nothing. count: of pictures.

    Raises UserError for damaged files, and for photos of another number or size.
    """
    if not (folder / FRAMES).exists():
        return ()
    with reading(folder / FRAMES, "a list of photos", "make the edit again"):
        records = read_json(folder / FRAMES, TEXT)
        check(records, [{"file": STRING, "name": STRING, "frame": FRAME}])
        if len(records) != count:
            raise ValueError(f"{len(records)} photos for {count} pictures")
        photos = []
        for record in records:
            pixels = read_image(folder / f"{record['file']}.png").transpose(1, 2, 0)
            frame = frame_of(record["frame"], *pixels.shape[:2])
            photos.append(Framed(record["name"], pixels, frame))
    return tuple(photos)


def frame_of(numbers: Sequence[int], height: int, width: int) -> Frame:
    """A frame from its numbers. Raises ValueError if it is not within a photo of height x width."""
    frame = Frame(*numbers) if len(numbers) == 4 else Frame(0, 0, 0, 0)
    if not frame.inside(height, width):
        raise ValueError(f"the frame {list(numbers)} is not within a photo of {width}x{height}")
    return frame
