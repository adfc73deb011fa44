"""What can be taken away: the picture, its layers, its label map, its areas, and how it was made."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from composegan.editing.interpolation import draw_frames, loop
from composegan.editing.target import Target
from composegan.errors import UserError
from composegan.model.codes import concat_codes
from composegan.session.session import Session
from composegan.studio.openraster import openraster, png
from composegan.studio.stack import stack_of
from composegan.studio.words import title
from composegan.viz.pictures import color_masks
from composegan.viz.video import write_video

LARGEST = 4096
"""Pixels of the longer side of an enlarged picture."""
STEPS, FRAMES = 8, 24
"""Steps that a film goes through at most, and frames from one to the next."""


def picture_png(session: Session, scale: int) -> bytes:
    """The picture, enlarged `scale` times without new colours' edges being lost (Lanczos)."""
    image = session.picture.image
    if scale < 1 or max(image.size) * scale > LARGEST:
        raise UserError(f"size: at most {LARGEST} pixels")
    if scale == 1:
        return png(np.asarray(image))
    size = (image.width * scale, image.height * scale)
    return png(np.asarray(image.resize(size, Image.Resampling.LANCZOS)))


def psd(session: Session, scale: int = 1) -> bytes:
    """The layers as a Photoshop file, each with its own transparency, hidden parts included."""
    try:
        from psd_tools import PSDImage
    except ImportError as error:
        raise UserError("psd-tools is not installed; pip install 'composegan[studio]'") from error
    layers = stack_of(session)
    height, width = layers.images.shape[1:3]
    document = PSDImage.new("RGB", (width, height))
    for name, image in zip(layers.classes, layers.images, strict=True):
        document.create_pixel_layer_from_array(image, name=title(name))
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def ora(session: Session, scale: int = 1) -> bytes:
    """The layers as an OpenRaster file, for Krita and GIMP."""
    return openraster(stack_of(session))


def mask(session: Session, scale: int = 1) -> bytes:
    """The label map in the classes' colours."""
    return png(color_masks(session.picture.labels[None], session.model.colors)[0])


def areas(session: Session, scale: int = 1) -> bytes:
    """A table of the classes: pixels, share of the picture, present or not; and the picture it began with."""
    labels, codes = session.picture.labels, session.codes
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(["class", "pixels", "share", "present", "seed", "picture", "steps"])
    start = [session.start.get(name, "") for name in ("seed", "picture")]
    for index, name in enumerate(session.model.classes):
        count = int((labels == index).sum())
        present = "yes" if codes[name].present[0] else "no"
        rows.writerow([name, count, f"{count / labels.size:.6f}", present, *start, len(session.history)])
    return file.getvalue().encode()


def document(session: Session, scale: int = 1) -> bytes:
    """The document, to open again."""
    with tempfile.TemporaryDirectory() as folder:
        return session.save(Path(folder, "picture.composegan")).read_bytes()


def film(session: Session, ending: str) -> bytes:
    """A loop from the first picture through the steps, at most `STEPS` of them, to the last and back."""
    last = len(session.history)
    if not last:
        raise UserError("There is nothing to film yet: change something first.")
    places = sorted({round(last * place / min(last, STEPS)) for place in range(min(last, STEPS) + 1)})
    codes = concat_codes([session.codes_at(place) for place in places])
    frames = loop(codes, Target.of(session.model, "all", base=True), FRAMES)
    factor = max(1, -(-512 // min(session.picture.image.size)))

    def enlarged() -> Iterator[np.ndarray]:
        for picture in draw_frames(session.model, frames, masks=False, least=1):
            size = (picture.shape[1] * factor, picture.shape[0] * factor)
            yield np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))

    with tempfile.TemporaryDirectory() as folder:
        return write_video(Path(folder, f"film{ending}"), enlarged(), 24).read_bytes()


def archive(session: Session, scale: int = 1) -> bytes:
    """Everything in one archive: the picture, the layers as PNGs, the label map, the table, the document, scripts."""
    layers = stack_of(session)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as whole, tempfile.TemporaryDirectory() as name:
        whole.writestr("picture.png", png(np.asarray(session.picture.image)))
        whole.writestr("label-map.png", mask(session))
        whole.writestr("areas.csv", areas(session))
        whole.writestr("picture.composegan", document(session))
        for place, (layer, image) in enumerate(zip(layers.classes, layers.images, strict=True)):
            safe = layer.replace("/", "_").replace("\\", "_")
            whole.writestr(f"layers/{place:02d}-{safe}.png", png(image))
        session.save_script(Path(name, "script"))
        for file in sorted(Path(name).rglob("*")):
            if file.is_file():
                whole.write(file, file.relative_to(name).as_posix())
    return buffer.getvalue()


EXPORTS: dict[str, tuple[str, str, Callable[[Session, int], bytes]]] = {
    "png": ("picture.png", "image/png", picture_png),
    "psd": ("picture.psd", "image/vnd.adobe.photoshop", psd),
    "ora": ("picture.ora", "image/openraster", ora),
    "zip": ("picture.zip", "application/zip", archive),
    "mask": ("label-map.png", "image/png", mask),
    "csv": ("areas.csv", "text/csv; charset=utf-8", areas),
    "mp4": ("film.mp4", "video/mp4", lambda session, scale: film(session, ".mp4")),
    "gif": ("film.gif", "image/gif", lambda session, scale: film(session, ".gif")),
    "document": ("picture.composegan", "application/octet-stream", document),
}
"""By their names in addresses: the name of the file, its type, and how it is made."""
