"""The two published data sets of car parts as one source: polygons become classes, and the car is cropped.

Their file formats are in dsmlr.py and ultralytics.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from composegan.data import Sample, fingerprint_of_files, photo_warnings, read_image
from composegan.plugin import DomainSpec, UserError, nearest
from composegan.plugins.cars.polygons import Part, crop_around, paint_labels
from composegan.plugins.cars.viewpoint import side_of

PartReader = Callable[[Path, int, int], list[Part]]
"""(image file, its height, its width) -> its parts. Raises UserError that names the file and the entry."""

MOST_PARTS, MOST_CORNERS = 1000, 10_000
"""Limits per picture and per polygon, far above any real annotation."""


class CarParts:
    """Pictures with the polygons of their parts: the crop around each car, image uint8 (3, H, W), labels uint8 (H, W).

    files: the images, in order. labels: the files with their parts. read: returns the parts of an image. Indexing
    raises UserError for damaged or missing files and for a picture without any car part.
    """

    def __init__(self, files: Sequence[Path], labels: Sequence[Path], read: PartReader, spec: DomainSpec) -> None:
        self.files, self.labels, self.read, self.spec = files, labels, read, spec
        self.margins = spec.foreign["crop"]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        file = self.files[index]
        image = read_image(file)
        height, width = image.shape[1:]
        parts = self.read(file, height, width)
        if len(parts) > MOST_PARTS:
            raise UserError(f"{file}: has {len(parts):,} parts; remove it, the limit is {MOST_PARTS:,}")
        layers = layered(parts, self.spec)
        if not layers:
            raise UserError(f"{file}: has no car part; remove it or set data.on_error=skip")
        labels = paint_labels(layers, height, width)
        shape, margin = self.margins["shape"], self.margins["margin"]
        rows, columns = crop_around([part for _, part in layers], shape, margin, height, width)
        return Sample(image[:, rows, columns], labels[rows, columns], str(file))

    def warnings(self) -> list[str]:
        """What the pictures show that may not be meant as it is read."""
        return photo_warnings(self.files)

    def fingerprint(self) -> str:
        """A hash of all files and of the domain's rules."""
        return fingerprint_of_files([*self.files, *self.labels], self.spec.classes, self.spec.foreign)


def layered(parts: Sequence[Part], spec: DomainSpec) -> list[tuple[int, Part]]:
    """Return (label value, part) in painting order, without parts that have no class or whose side is unknown."""
    layers: list[tuple[int, Part]] = []
    for rule in spec.foreign["parts"]:
        for part in parts:
            if part.name == rule["part"] and rule["class"] is not None:
                names = [rule["class"]] if isinstance(rule["class"], str) else rule["class"]
                side = side_of(part, parts) if len(names) > 1 else ""
                names = [name for name in names if len(names) == 1 or (side and side in name)]
                layers += [(spec.index(name), part) for name in names]
    return layers


def check_part(name: object, spec: DomainSpec, where: str) -> str:
    """Return `name` if the domain's YAML has a rule for it, else raise UserError."""
    known = [rule["part"] for rule in spec.foreign["parts"]]
    if not isinstance(name, str) or name not in known:
        text = str(name)[:40]
        raise UserError(f"{where}: unknown part {text!r}; {nearest(text, known)}")
    return name


def check_polygon(values: Sequence[object], where: str) -> np.ndarray:
    """Parse x0 y0 x1 y1 ... to (N, 2). Raises UserError unless it has 3 to MOST_CORNERS finite corners."""
    try:
        numbers = np.array([float(value) for value in values])  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        bad = next(value for value in values if not is_number(value))
        raise UserError(f"{where}: {repr(bad)[:40]} is not a number; a polygon is x y x y ...") from None
    if not np.isfinite(numbers).all():
        raise UserError(f"{where}: a coordinate is not finite; a polygon is x y x y ...")
    if len(numbers) % 2 or not 6 <= len(numbers) <= 2 * MOST_CORNERS:
        raise UserError(
            f"{where}: has {len(numbers)} numbers; a polygon is x y x y ..., with 3 to {MOST_CORNERS:,} corners"
        )
    return numbers.reshape(-1, 2)


def is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    return True
