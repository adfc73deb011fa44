"""Pictures of codes: images, label maps, coloured masks, sheets."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
import torch
from PIL import Image

from composegan.errors import UserError, whole_number
from composegan.io.atomic import writing
from composegan.model.codes import Codes, Names, concat_codes
from composegan.viz.pictures import color_masks, contact_sheet, numbered_sheet, to_uint8

if TYPE_CHECKING:
    from composegan.model.saved_model import Model


class Picture:
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


@dataclass(frozen=True, eq=False, repr=False)
class Sample(Picture):
    """One picture. image, mask: PIL images, the mask in the classes' colours; labels: (H, W) uint8; codes: one row."""

    image: Image.Image
    mask: Image.Image
    labels: np.ndarray
    codes: Codes

    def sheet(self) -> Image.Image:
        """The image beside its mask."""
        return Image.fromarray(np.concatenate((np.asarray(self.image), np.asarray(self.mask)), axis=1))

    def __repr__(self) -> str:
        return f"Sample({self.image.width}x{self.image.height})"


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Picture):
    """N pictures. images: (N, H, W, 3) uint8; labels: (N, H, W) uint8; codes: of the N pictures, truncated.

    `samples[0]` is a `Sample`; `samples[2:5]` and `samples[[0, 3]]` are `Samples`.
    """

    images: np.ndarray
    labels: np.ndarray
    codes: Codes
    colors: tuple[tuple[int, int, int], ...]

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
        if not isinstance(which, (int, np.integer)):
            return replace(self, images=self.images[which], labels=self.labels[which], codes=self.codes[which])
        mask = color_masks(self.labels[which][None], self.colors)[0]
        image = Image.fromarray(self.images[which])
        return Sample(image, Image.fromarray(mask), self.labels[which], self.codes[int(which)])

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

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write images/, masks/ (coloured), labels/ (class numbers), codes.npz and contact_sheet.png.

        Raises UserError if that fails.
        """
        folder = Path(folder)
        with writing(folder):
            for part, pictures in (("images", self.images), ("masks", self.masks), ("labels", self.labels)):
                (folder / part).mkdir(parents=True, exist_ok=True)
                for number, picture in enumerate(pictures):
                    Image.fromarray(picture).save(folder / part / f"{number:05d}.png")
            self.codes.save(folder / "codes.npz")
            self.contact_sheet().save(folder / "contact_sheet.png")
        return folder


def codes_of(given: Codes | Sample | Samples) -> Codes:
    """The codes of what was given: codes or samples. Raises UserError for anything else."""
    if isinstance(given, (Sample, Samples)):
        return given.codes
    if not isinstance(given, Codes):
        raise UserError(f"a {type(given).__name__} given; codes or samples are needed, as from model.codes(4)")
    return given


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
    for start in range(0, len(shown), batch):
        result = model.synthesize(shown[start : start + batch])
        images.append(to_uint8(result.image))
        labels.append(result.mask.labels().cpu().numpy())
    return Samples(np.concatenate(images), np.concatenate(labels), codes, model.colors)


def concat_samples(parts: Sequence[Samples]) -> Samples:
    """The pictures of all parts, one after another. Raises UserError if they belong to different models."""
    codes = concat_codes([part.codes for part in parts])
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    return Samples(images, labels, codes, parts[0].colors)
