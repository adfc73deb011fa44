"""Which values and colors the label files of a folder have, and which images they belong to: for `composegan new`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path

import numpy as np
from PIL import Image

from composegan.data.files import files_below
from composegan.data.labels import open_labels, stored_numbers
from composegan.data.layout import IMAGE_ENDINGS, Place
from composegan.errors import UserError
from composegan.runtime.progress import progress_bar

MOST = 1000
"""Label files that are read, spread evenly over the folder."""
MOST_VALUES = 255
RED, GREEN = 1 << 16, 1 << 8

Rgb = tuple[int, int, int]


@dataclass
class Survey:
    """What the label files of a folder hold.

    pixels, files: by value, in how many pixels and files it is; read: how many files were read; total: of files in the
    folder; sizes: how many files have each (height, width); colored: whether values are colors, 0xRRGGBB; palette:
    the color of each value, where all palettes that were read agree.
    """

    folder: Path
    total: int
    pixels: Counter[int] = field(default_factory=Counter)
    files: Counter[int] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    colored: bool = False
    palette: dict[int, Rgb] = field(default_factory=dict)

    @property
    def read(self) -> int:
        return self.sizes.total()

    @property
    def values(self) -> list[int]:
        """All values, in ascending order."""
        return sorted(self.pixels)

    @property
    def size(self) -> tuple[int, int]:
        """The most frequent (height, width)."""
        return self.sizes.most_common(1)[0][0]

    def share(self, value: int) -> float:
        """The share of a value of all pixels, 0..1."""
        return self.pixels[value] / self.pixels.total()


def label_files(path: Path) -> tuple[Path, list[str]]:
    """The label files that `labels=` names: a folder, or a pattern such as DIR/*_L.png, and paths below the folder.

    Raises UserError for no such folder, and for no files.
    """
    folder, name = (path.parent, path.name) if "*" in path.name else (path, "")
    if not folder.is_dir():
        raise UserError(f"labels={path}: {folder} is not a folder; give the folder of the label files")
    place = Place.of(name, IMAGE_ENDINGS) if name else Place("", frozenset(IMAGE_ENDINGS))
    files = sorted(place.stems(folder).values())
    if not files:
        raise UserError(f"labels={path}: there are no such pictures; give the folder of the label files")
    return folder, files


def survey_labels(folder: Path, files: Sequence[str]) -> Survey:
    """Read at most MOST label files, paths below a folder, with a progress bar.

    Raises UserError for more than MOST_VALUES values, for a mixture of values and colors, and as `open_labels` does.
    """
    chosen = sorted({len(files) * step // MOST for step in range(MOST)})
    found, colors, numbers = Survey(folder, len(files)), "", ""
    with progress_bar("Reading labels", len(chosen)) as advance:
        for file in (files[number] for number in chosen):
            picture = open_labels(folder / file)
            found.sizes[picture.height, picture.width] += 1
            if picture.mode in ("RGB", "RGBA"):
                colors = colors or file
                red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB")).astype(np.int64), -1, 0)
                values = red * RED + green * GREEN + blue
            else:
                numbers = numbers or file
                values = stored_numbers(picture, str(folder / file))
                _add_palette(found.palette, picture, first=numbers == file)
            for value, count in zip(*(array.tolist() for array in np.unique(values, return_counts=True)), strict=True):
                found.pixels[value] += count
                found.files[value] += 1
            if len(found.pixels) > MOST_VALUES:
                raise UserError(
                    f"{folder / file}: with it there are more than {MOST_VALUES} label values; give the folder of the "
                    "label files, saved without antialiasing or JPEG"
                )
            advance(1)
    if colors and numbers:
        raise UserError(f"labels={folder}: {colors} holds colors but {numbers} label values; move one kind elsewhere")
    gray = all(value == value // RED * (RED + GREEN + 1) for value in found.pixels)
    if colors and gray:  # label values, three times each
        found.pixels, found.files = (Counter({v // RED: n for v, n in c.items()}) for c in (found.pixels, found.files))
    found.colored = bool(colors) and not gray
    return found


def _add_palette(known: dict[int, Rgb], picture: Image.Image, first: bool) -> None:
    """Add a picture's palette to `known`, which is emptied where two disagree or one has no color of its own."""
    flat = picture.getpalette("RGB") if picture.mode in ("P", "PA") else None
    colors = dict(enumerate(zip(*[iter(flat or [])] * 3, strict=False)))
    if first:
        known.update(colors)
    elif colors != known:
        known.clear()


def rgb(value: int) -> Rgb:
    """0xRRGGBB -> (red, green, blue)."""
    return value // RED, value // GREEN % 256, value % 256


@dataclass(frozen=True)
class Partners:
    """Where the images of label files are. root: for data.root; images, labels: by split, patterns below it."""

    root: Path
    images: dict[str, str]
    labels: dict[str, str]


def find_partners(folder: Path, files: Sequence[str]) -> Partners | None:
    """The images of label files, paths below `folder`; None unless they have the same names but for their ends.

    They are looked for in folders beside it, in itself, in parallel folders (`images/train` of `labels/train`), and in
    folders beside the one above (`images` of `annotations/trimaps`).
    """
    folder = folder.resolve()
    labels = [os.path.splitext(file)[0] for file in files]
    ending = os.path.splitext(files[0])[1]
    beside = [(folder.parent, path) for path in sorted(folder.parent.iterdir()) if path.is_dir() and path != folder]
    above = folder.parent.parent
    beyond = [path for path in sorted(above.iterdir()) if path.is_dir() and path != folder.parent]
    parallel = [(above, path / folder.name) for path in beyond]
    for root, path in [
        *beside,
        (folder.parent, folder),
        *(each for each in parallel if each[1].is_dir()),
        *((above, path) for path in beyond),
    ]:
        taken = set(files) if path == folder else set()
        images = [os.path.splitext(file)[0] for file in files_below(path, IMAGE_ENDINGS) if file not in taken]
        ends = _ends(images, labels)
        if ends is None:
            continue
        where = [(path, ends[0], ""), (folder, ends[1], ending)]
        texts = [_pattern(place.relative_to(root).as_posix(), *rest) for place, *rest in where]
        return Partners(root, *_with_validation(root, *texts))
    return None


def _ends(images: list[str], labels: list[str]) -> tuple[str, str] | None:
    """What the names of images and labels end with beyond the part that they share; None unless 9 of 10 labels pair."""
    if not images:
        return None
    label = labels[-1]
    image = max(images, key=lambda image: _common(image, label))
    shared = _common(image, label)
    ends, known = (image[shared:], label[shared:]), set(images)
    paired = sum(name.endswith(ends[1]) and name[: len(name) - len(ends[1])] + ends[0] in known for name in labels)
    return ends if shared and paired >= 0.9 * len(labels) else None


def _common(one: str, two: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(two)))


def _pattern(folder: str, end: str, ending: str) -> str:
    plain = not end and ending in ("", ".png")
    return folder if plain else f"{'' if folder == '.' else folder + '/'}*{end}{ending}"


def _with_validation(root: Path, images: str, labels: str) -> tuple[dict[str, str], dict[str, str]]:
    """The places by split: with `val` in place of `train` in their names, where both such folders exist."""
    for name in ("val", "valid", "validation"):
        other = [text.replace("train", name) for text in (images, labels)]
        if "train" in images and "train" in labels and all((root / text.partition("/*")[0]).is_dir() for text in other):
            return {"train": images, "validation": other[0]}, {"train": labels, "validation": other[1]}
    return {"": images}, {"": labels}


def picture_size(height: int, width: int, shorts: Iterable[int] = (64, 48), cell: int = 8) -> tuple[int, int]:
    """The size of a first model for images of height x width: the nearest aspect ratio, the first shorter side."""
    ratio = max(height, width) / min(height, width)
    sizes = [(short, long) for short in shorts for long in range(short, 4 * short + 1, cell) if long % cell == 0]
    short, long = min(sizes, key=lambda size: round(abs(log(size[1] / size[0] / ratio)), 2))
    return (short, long) if height <= width else (long, short)
