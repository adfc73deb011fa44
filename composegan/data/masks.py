"""Painted label maps: read one with the line that a painter needs about colours that are no class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from composegan.data.files import files_below
from composegan.data.labels import check_exact, is_transparent, labels_of_palette, open_labels, stored_numbers
from composegan.errors import UserError
from composegan.networks.layout import OPEN
from composegan.plugin.domain import DomainSpec

ENDINGS = (".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")


def find_masks(path: Path) -> list[Path]:
    """The file, or the label files of a folder in order of their names. Raises UserError if there are none."""
    if path.is_file():
        return [path]
    found = [path / file for file in files_below(path, ENDINGS)] if path.is_dir() else []
    if not found:
        what = "has no pictures" if path.is_dir() else "does not exist"
        raise UserError(f"mask={path}: {what}; give a label map, or a folder of them such as labels/ of saved samples")
    return found


def read_mask(path: Path, spec: DomainSpec, height: int, width: int) -> np.ndarray:
    """A label map of exactly this size, uint8 (height, width): class numbers, OPEN where none is given.

    Raises UserError naming the file: for another size, numbers that are no class, and colours that are no class, with
    their pixels and the class of the nearest colour.
    """
    return labels_of_mask(open_labels(path), spec, str(path), height, width)


def labels_of_mask(picture: Image.Image, spec: DomainSpec, name: str, height: int, width: int) -> np.ndarray:
    """As `read_mask`, of a picture. name: for errors."""
    check_exact(picture, name)
    if (picture.height, picture.width) != (height, width):
        raise UserError(
            f"{name}: is {picture.width}x{picture.height}, but the model draws {width}x{height}; scale it to that, "
            "without interpolation (nearest neighbor)"
        )
    given = np.ones((height, width), bool)
    if is_transparent(picture):
        given = np.asarray(picture.convert("RGBA").getchannel("A")) >= 128
    if picture.mode in ("RGB", "RGBA"):
        labels = _labels_of_colors(np.asarray(picture.convert("RGB")), given, spec, name)
    else:
        palette = picture.mode in ("P", "PA")
        labels = labels_of_palette(picture, spec, name)[0] if palette else stored_numbers(picture, name)
        _check_numbers(labels[given], spec, name)
    return np.where(given, labels, OPEN).astype(np.uint8)


def _check_numbers(labels: np.ndarray, spec: DomainSpec, name: str) -> None:
    count = len(spec.classes)
    wrong = labels[((labels < 0) | (labels >= count)) & (labels != OPEN)]
    if wrong.size:
        raise UserError(
            f"{name}: label {wrong.min()} in {(wrong == wrong.min()).sum():,} pixels is no class; the {count} classes "
            f"of domain {spec.name!r} are 0 to {count - 1}, and {OPEN} leaves a pixel open"
        )


def _labels_of_colors(pixels: np.ndarray, given: np.ndarray, spec: DomainSpec, name: str) -> np.ndarray:
    """pixels (H, W, 3) uint8, of which those `given` (H, W) bool must have the colours of classes -> (H, W) uint8."""
    known = np.array(spec.colors)  # (K, 3)
    colors, index = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)  # (n, 3)
    index = index.reshape(given.shape)
    counts = np.bincount(index[given], minlength=len(colors))  # (n)
    apart = np.abs(colors[:, None].astype(int) - known).sum(axis=2)  # (n, K)
    nearest = apart.argmin(axis=1)  # (n)
    foreign = np.flatnonzero((apart.min(axis=1) > 0) & (counts > 0))
    if len(foreign):
        worst = foreign[counts[foreign].argmax()]
        color, close = ("#{:02x}{:02x}{:02x}".format(*value) for value in (colors[worst], known[nearest[worst]]))
        more = f" and {len(foreign) - 1:,} more colors" if len(foreign) > 1 else ""
        raise UserError(
            f"{name}: color {color} in {counts[worst]:,} pixels{more} is no class of domain {spec.name!r}; the nearest "
            f"is {spec.names[nearest[worst]]}, {close}; paint without antialiasing"
        )
    return nearest.astype(np.uint8)[index]
