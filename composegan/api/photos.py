"""Photos in any form, brought to the size of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from composegan.data.framing import Frame, Framed
from composegan.data.labels import check_exact, labels_of, read_labels
from composegan.data.masks import find_masks, labels_of_mask, read_mask
from composegan.data.pairs import read_pair
from composegan.data.photos import Photo, PhotoFiles, framed_photo
from composegan.data.rgb import read_image, rgb_of
from composegan.errors import UserError, as_path
from composegan.networks.semantic_map import UNKNOWN
from composegan.plugin.domain import DomainSpec

FrameOf = Callable[[str, np.ndarray], Frame]
"""Chooses a photo's frame: (name, pixels (3, H, W)) -> frame."""


def fit_photos(
    photos: Any, masks: Any, spec: DomainSpec, height: int, width: int, frame_of: FrameOf | None = None
) -> tuple[np.ndarray, np.ndarray | None, tuple[Framed, ...]]:
    """Images (N, height, width, 3) and labels (N, height, width), both uint8, and the photos with their frames; labels
    UNKNOWN where a photo has no mask.

    photos, masks: see `composegan.Model.invert`; frame_of: default, the centre. Raises UserError for what cannot be
    read or has another shape.
    """
    choose = frame_of or (lambda name, pixels: Frame.central(pixels, height, width))
    framed: list[Framed] = []

    def fit(name: str, pixels: np.ndarray, mask: np.ndarray | None) -> Photo:
        framed.append(Framed(name, pixels.transpose(1, 2, 0), choose(name, pixels)))
        return framed_photo(name, pixels, mask, framed[-1].frame, height, width)

    if isinstance(photos, (str, PathLike)):
        where = None if masks is None else as_path("masks", masks)
        files = PhotoFiles.find(Path(photos).expanduser(), where, spec, height, width)
        fitted = [fit(name, *files.pixels(name)) for name in files.names]
    else:
        given, own = _as_list(photos, 4), [] if masks is None else _as_list(masks, 3)
        if own and len(own) != len(given):
            raise UserError(f"{len(own)} masks for {len(given)} photos; give one for each")
        pairs = zip(given, own or [None] * len(given), strict=True)
        fitted = [fit(f"{number:05d}", *_read_pair(*pair, spec)) for number, pair in enumerate(pairs)]
    images, labels = [photo.image for photo in fitted], [photo.labels for photo in fitted]
    if not images:
        raise UserError("there are no photos to invert; give at least one")
    known = any(part is not None for part in labels)
    unknown = np.full((height, width), UNKNOWN, np.uint8)
    stacked = np.stack([unknown if part is None else part for part in labels]) if known else None
    return np.stack([image.transpose(1, 2, 0) for image in images]), stacked, tuple(framed)


def fit_masks(masks: Any, spec: DomainSpec, height: int, width: int) -> np.ndarray:
    """Painted label maps in any form as labels, uint8 (N, height, width), OPEN where none is given. They are not
    resized. Raises UserError for what is no label map of this size."""
    found = []
    for mask in _as_list(masks, 3):
        if isinstance(mask, (str, PathLike)):
            files = find_masks(as_path("mask", mask))
            found += [read_mask(file, spec, height, width) for file in files]
        elif isinstance(mask, Image.Image):
            found.append(labels_of_mask(mask, spec, "mask", height, width))
        else:
            found.append(_labels(mask, spec))
    if not found or len({mask.shape for mask in found}) > 1:
        raise UserError("mask: give one label map, or several of the same size")
    return np.stack(found)


def _as_list(items: Any, axes: int) -> list[Any]:
    """One item, or a sequence, or an array of `axes` axes with all of them, as a list."""
    if isinstance(items, np.ndarray) and items.ndim == axes:
        return list(items)
    return list(items) if isinstance(items, Sequence) and not isinstance(items, str) else [items]


def _read_pair(photo: Any, mask: Any, spec: DomainSpec) -> tuple[np.ndarray, np.ndarray | None]:
    """uint8 (3, H, W), and uint8 (h, w) with a mask."""
    photo_file, mask_file = (
        Path(part).expanduser() if isinstance(part, (str, PathLike)) else None for part in (photo, mask)
    )
    if photo_file and mask_file:
        return read_pair(photo_file, mask_file, spec)
    image = read_image(photo_file) if photo_file else _pixels(photo)
    if mask is None:
        return image, None
    return image, read_labels(mask_file, spec) if mask_file else _labels(mask, spec)


def _array(given: Any, what: str) -> np.ndarray:
    try:
        return np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"a {what} is a {type(given).__name__}; a file, a PIL image or an array is needed") from error


def _pixels(photo: Any) -> np.ndarray:
    """A picture or an array as uint8 (3, H, W)."""
    if isinstance(photo, Image.Image):
        return rgb_of(photo, "photo")
    pixels = _array(photo, "photo")
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UserError(f"a photo is {pixels.dtype} {pixels.shape}; uint8 (H, W, 3) is needed")
    return pixels.transpose(2, 0, 1)


def _labels(mask: Any, spec: DomainSpec) -> np.ndarray:
    """A picture or an array as uint8 (H, W)."""
    if isinstance(mask, Image.Image):
        check_exact(mask, "mask")
        return labels_of(mask, spec, "mask")
    labels = _array(mask, "mask")
    if labels.dtype != np.uint8 or labels.ndim != 2:
        raise UserError(f"a mask is {labels.dtype} {labels.shape}; class numbers, uint8 (H, W), are needed")
    return labels
