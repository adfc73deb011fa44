"""The two published sets of car parts as one source: polygons by name become classes, and the car is cut out.

What differs between the sets, the files, is in dsmlr.py and ultralytics.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from composegan.data import Sample, UserError, nearest, read_image
from composegan.data.images import MAX_PIXELS
from composegan.plugin.domain import DomainSpec
from composegan.plugins.cars.polygons import Part, cut_out, cut_round, paint
from composegan.plugins.cars.viewpoint import side_of

Read = Callable[[Path, int, int], list[Part]]
"""(image file, its height, its width) -> the parts in it. Raises UserError naming file and place."""


MOST_PARTS, MOST_CORNERS = 1000, 10_000
"""Of a picture, and of a polygon: what has more was not drawn by anybody."""


class CarParts:
    """Pictures with the polygons of their parts: the cut round each car, image uint8 (3, H, W), labels uint8 (H, W).

    files: the images, in their order. read: the parts of one. Raises UserError on reading: damaged or missing files,
    and a picture without any part of a car.
    """

    def __init__(self, files: Sequence[Path], read: Read, spec: DomainSpec) -> None:
        self.files, self.read, self.spec = files, read, spec
        self.crop = spec.foreign["crop"]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        file = self.files[index]
        image = read_image(file)
        height, width = image.shape[1:]
        parts = self.read(file, height, width)
        if len(parts) > MOST_PARTS:
            raise UserError(f"{file}: {len(parts):,} parts are marked in it; a picture has at most {MOST_PARTS:,}")
        layers = layered(parts, self.spec)
        if not layers:
            raise UserError(f"{file}: no part of a car is marked in it; remove it, or give data.on_error=skip")
        labels = paint(layers, height, width)
        box = cut_round([part for _, part in layers], self.crop["shape"], self.crop["margin"])
        if (box[2] - box[0]) * (box[3] - box[1]) > MAX_PIXELS:
            raise UserError(f"{file}: the cut round its parts would be over the limit of {MAX_PIXELS:,} pixels")
        # Beyond its edges a picture goes on as it ends, and is background.
        return Sample(cut_out(image, box, "edge"), cut_out(labels, box, "constant"), str(file))


def layered(parts: Sequence[Part], spec: DomainSpec) -> list[tuple[int, Part]]:
    """The parts with the label values of their classes, in the order they are painted; what is no class is left out."""
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
    """The name itself, as text. Raises UserError for a part that no rule of the domain's YAML speaks of."""
    known = [rule["part"] for rule in spec.foreign["parts"]]
    if not isinstance(name, str) or name not in known:
        text = str(name)[:40]
        raise UserError(f"{where}: part {text!r} is not known; {nearest(text, known)}")
    return name


def check_polygon(values: Sequence[object], where: str) -> np.ndarray:
    """x0 y0 x1 y1 ... as (N, 2). Raises UserError: not numbers, an odd number of them, or less than three corners."""
    try:
        numbers = np.array([float(value) for value in values])  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        bad = next(value for value in values if not is_number(value))
        raise UserError(f"{where}: {repr(bad)[:40]} is not a number; a polygon is x y x y ...") from None
    if not np.isfinite(numbers).all():
        raise UserError(f"{where}: a coordinate is not finite; a polygon is x y x y ...")
    if len(numbers) % 2 or not 6 <= len(numbers) <= 2 * MOST_CORNERS:
        raise UserError(
            f"{where}: {len(numbers)} numbers; a polygon is x y x y ..., of three corners or more, to {MOST_CORNERS:,}"
        )
    return numbers.reshape(-1, 2)


def is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    return True
