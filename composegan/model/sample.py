"""Pictures of codes: images, label maps, coloured masks, sheets."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
import torch
from PIL import Image

from composegan.data.framing import Framed
from composegan.errors import Suggests, UserError, as_path, whole_number
from composegan.io.atomic import writing
from composegan.io.guarded import check_file, reading
from composegan.io.output import check_folder
from composegan.model.codes import Codes, Names, concat_codes
from composegan.model.codes_file import read_codes
from composegan.model.photo_files import PHOTOS, read_photos, write_photos
from composegan.model.picture_index import pictures_at
from composegan.viz.pictures import color_masks, contact_sheet, numbered_sheet, to_uint8

if TYPE_CHECKING:
    from composegan.model.saved_model import Model


SAVED = ("images", "masks", "labels", "codes.npz", "contact_sheet.png")
TUNED = ("codes-*.delta.safetensors", PHOTOS)
"""The files and folders of saved samples; and those that only some have: weights tuned to them, and photos."""


class Picture(Suggests):
    """Something with a `sheet()`: it can be shown, and shows itself in a notebook."""

    def sheet(self) -> Image.Image:
        """The picture to show."""
        raise NotImplementedError

    def show(self) -> None:
        """Open the sheet in the system's image viewer; in a notebook the object shows itself."""
        self.sheet().show()

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.sheet().save(file, "PNG")
        return file.getvalue()

    def _repr_html_(self) -> str:
        data = base64.b64encode(self._repr_png_()).decode()
        caption = f"<figcaption>{html.escape(repr(self))}</figcaption>"
        return f'<figure><img src="data:image/png;base64,{data}">{caption}</figure>'


@dataclass(frozen=True, eq=False, repr=False)
class Sample(Picture):
    """One picture. image, mask: PIL images, the mask in the classes' colours; labels: (H, W) uint8; codes: one row;
    pasted: see `Samples`."""

    image: Image.Image
    mask: Image.Image
    labels: np.ndarray
    codes: Codes
    pasted: str = ""

    def sheet(self) -> Image.Image:
        """The image beside its mask."""
        return Image.fromarray(np.concatenate((np.asarray(self.image), np.asarray(self.mask)), axis=1))

    def __repr__(self) -> str:
        return f"Sample({self.image.width}x{self.image.height})"


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Picture):
    """N pictures. images: (N, H, W, 3) uint8; labels: (N, H, W) uint8; codes: of the N pictures, truncated.

    pasted: "" if a model drew the images from the codes; otherwise an edit pasted classes into them, and this is the
    fingerprint of its model, see `Model.weights`. The next edit continues from these images. photos: those that the
    edits are carried back into, at their own resolution, one for each picture, or none.
    `samples[0]` is a `Sample`; `samples[2:5]` and `samples[[0, 3]]` are `Samples`.
    """

    images: np.ndarray
    labels: np.ndarray
    codes: Codes
    colors: tuple[tuple[int, int, int], ...]
    pasted: str = ""
    photos: tuple[Framed, ...] = ()

    @property
    def masks(self) -> np.ndarray:
        """The label maps in the classes' colours: (N, H, W, 3) uint8."""
        return color_masks(self.labels, self.colors)

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, which: int) -> Sample: ...
    @overload
    def __getitem__(self, which: slice | Sequence[int]) -> Samples: ...
    def __getitem__(self, which: int | slice | Sequence[int]) -> Sample | Samples:
        which = pictures_at(which, len(self))
        if not isinstance(which, int):
            photos = tuple(self.photos[i] for i in np.arange(len(self))[which]) if self.photos else ()
            part = replace(self, images=self.images[which], labels=self.labels[which], codes=self.codes[which])
            return replace(part, photos=photos)
        mask = color_masks(self.labels[which][None], self.colors)[0]
        image = Image.fromarray(self.images[which])
        return Sample(image, Image.fromarray(mask), self.labels[which], self.codes[which], self.pasted)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        height, width = self.images.shape[1:3]
        return f"Samples({len(self)} pictures, {width}x{height}, {len(self.codes.classes)} classes)"

    def sheet(self) -> Image.Image:
        """All images beside their masks, numbered from 0."""
        return numbered_sheet(self.images, self.labels, self.colors)

    def contact_sheet(self) -> Image.Image:
        """All images beside their masks, without numbers."""
        return contact_sheet(self.images, self.labels, self.colors)

    def save(self, folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write images/, masks/ (coloured), labels/ (class numbers), codes.npz, contact_sheet.png and, if there are
        any, photos/.

        Earlier samples in the folder are replaced, all of them even if they were more. overwrite: also write into a
        folder that holds anything else. Raises UserError for such a folder otherwise, and if writing fails.
        """
        folder = as_path("folder", folder)
        check_folder(folder, SAVED, TUNED, overwrite)
        with writing(folder):
            for part, pictures in (("images", self.images), ("masks", self.masks), ("labels", self.labels)):
                (folder / part).mkdir(parents=True, exist_ok=True)
                write_numbered(folder / part, pictures, replace=(folder / "codes.npz").exists())
            write_photos(folder / PHOTOS, self.photos)
            self.codes.write(folder / "codes.npz", self.pasted)
            self.contact_sheet().save(folder / "contact_sheet.png")
        return folder

    @classmethod
    def load(cls, folder: str | PathLike[str], model: Model) -> Samples:
        """Read what `save` wrote. Raises UserError if it is missing or damaged, and for codes of another model."""
        folder = as_path("folder", folder)
        codes, size = Codes.load(folder / "codes.npz", model), (model.generator.height, model.generator.width)
        images = [_read_png(folder / "images" / f"{i:05d}.png", "RGB", size) for i in range(len(codes))]
        labels = [_read_png(folder / "labels" / f"{i:05d}.png", "L", size) for i in range(len(codes))]
        for number, part in enumerate(labels):
            if part.max() >= len(model.classes):
                raise UserError(f"{folder / 'labels'}/{number:05d}.png: {part.max()} is not the number of a class")
        photos = read_photos(folder / PHOTOS, len(codes))
        pasted = read_codes(folder / "codes.npz").pasted
        return cls(np.stack(images), np.stack(labels), codes, model.colors, pasted, photos)


def write_numbered(folder: Path, pictures: Iterable[np.ndarray], replace: bool = False) -> None:
    """Write pictures (H, W, ...) uint8 as 00000.png, ... to a folder. replace: remove those with larger numbers."""
    count = 0
    for picture in pictures:
        Image.fromarray(picture).save(folder / f"{count:05d}.png")
        count += 1
    while replace and (left := folder / f"{count:05d}.png").exists():
        left.unlink()
        count += 1


def _read_png(path: Path, mode: str, size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3), or (H, W) for mode "L". Raises UserError unless it is such a picture of this size."""
    with reading(path, "a picture that composegan wrote"):
        check_file(path)
        with Image.open(path, formats=["PNG"]) as picture:
            if (picture.size[::-1], picture.mode) != (size, mode):
                raise ValueError(f"{picture.mode} {picture.height}x{picture.width}, not {mode} {size[0]}x{size[1]}")
            return np.array(picture)


def codes_of(given: Codes | Sample | Samples) -> Codes:
    """The codes of what was given: codes or samples. Raises UserError for anything else."""
    if isinstance(given, (Sample, Samples)):
        return given.codes
    if not isinstance(given, Codes):
        raise UserError(f"a {type(given).__name__} given; codes or samples are needed, as from model.codes(4)")
    return given


def pictures_of(given: Codes | Sample | Samples, model: Model) -> Codes | Samples:
    """Codes to draw, or pictures that an edit was pasted into, to continue from. Raises as `codes_of` does."""
    if isinstance(given, Sample) and given.pasted:
        return Samples(np.array(given.image)[None], given.labels[None], given.codes, model.colors, given.pasted)
    return given if isinstance(given, Samples) and given.pasted else codes_of(given)


@torch.inference_mode()
def draw(model: Model, codes: Codes | Sample | Samples, *, batch: int = 16, classes: Names | None = None) -> Samples:
    """Draw the pictures of codes, or of the codes of samples.

    classes: compose these only, of those that a picture has; None: all of those.

    Raises UserError if there are no codes, batch is below 1, a class is unknown, a picture has none of the classes, or
    the codes belong to another model.
    """
    batch, codes = whole_number("batch", batch, least=1), codes_of(codes)
    if not len(codes):
        raise UserError("there are no codes to draw; give at least one picture")
    shown = codes if classes is None else codes.having(only=classes)
    images, labels = [], []
    for drawing, part in model.by_weights(shown):
        for start in range(0, len(part), batch):
            result = drawing.synthesize(part[start : start + batch])
            images.append(to_uint8(result.image))
            labels.append(result.mask.labels().cpu().numpy())
    if model.delta:
        codes = replace(codes, tuned=(model.delta,) * len(codes))
    return Samples(np.concatenate(images), np.concatenate(labels), codes, model.colors)


def concat_samples(parts: Sequence[Samples]) -> Samples:
    """The pictures of all parts, one after another. Raises UserError if they belong to different models, and for
    pasted pictures beside others."""
    codes = concat_codes([part.codes for part in parts])
    if len({part.pasted for part in parts}) > 1:
        raise UserError("concat takes either pasted pictures of edits or drawn ones; join their codes instead")
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    photos = tuple(photo for part in parts for photo in part.photos)
    photos = photos if len(photos) == len(codes) else ()
    return replace(parts[0], images=images, labels=labels, codes=codes, photos=photos)
