"""Photos in any form, brought to the size of a model."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from composegan.data.images import rgb_of
from composegan.data.labels import check_exact, labels_of, read_labels
from composegan.data.photos import PhotoFiles
from composegan.data.resize import fit_image, fit_labels
from composegan.editing.objective import UNKNOWN
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec


def fit_photos(
    photos: Any, masks: Any, spec: DomainSpec, height: int, width: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Images (N, height, width, 3) and labels (N, height, width), both uint8; labels UNKNOWN where a photo has no mask.

    photos, masks: see `composegan.Model.invert`. Raises UserError for what cannot be read or has another shape.
    """
    if isinstance(photos, (str, PathLike)):
        where = None if masks is None else Path(masks).expanduser()
        files = list(PhotoFiles.find(Path(photos).expanduser(), where, spec, height, width))
        images = [photo.image for photo in files]
        labels = [photo.labels for photo in files]
    else:
        given, own = _as_list(photos), [] if masks is None else _as_list(masks)
        if own and len(own) != len(given):
            raise UserError(f"{len(own)} masks for {len(given)} photos; give one for each")
        images = [_fit_image(photo, spec, height, width) for photo in given]
        labels = [_fit_labels(mask, spec, height, width) for mask in own]
    if not images:
        raise UserError("there are no photos to invert; give at least one")
    known = any(part is not None for part in labels)
    unknown = np.full((height, width), UNKNOWN, np.uint8)
    stacked = np.stack([unknown if part is None else part for part in labels]) if known else None
    return np.stack([image.transpose(1, 2, 0) for image in images]), stacked


def _as_list(photos: Any) -> list[Any]:
    """One photo, or an array (N, H, W, 3), or a sequence, as a list."""
    if isinstance(photos, np.ndarray) and photos.ndim == 4:
        return list(photos)
    return list(photos) if isinstance(photos, Sequence) else [photos]


def _fit_image(photo: Any, spec: DomainSpec, height: int, width: int) -> np.ndarray:
    """uint8 (3, height, width)."""
    if isinstance(photo, (str, PathLike)):
        (read,) = PhotoFiles.find(Path(photo).expanduser(), None, spec, height, width)
        return read.image
    if isinstance(photo, Image.Image):
        return fit_image(rgb_of(photo, "photo"), height, width)
    pixels = np.asarray(photo)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UserError(f"a photo is {pixels.dtype} {pixels.shape}; uint8 (H, W, 3) is needed")
    return fit_image(pixels.transpose(2, 0, 1), height, width)


def _fit_labels(mask: Any, spec: DomainSpec, height: int, width: int) -> np.ndarray:
    """uint8 (height, width)."""
    if isinstance(mask, (str, PathLike)):
        return fit_labels(read_labels(Path(mask).expanduser(), spec), height, width)
    if isinstance(mask, Image.Image):
        check_exact(mask, "mask")
        mask = labels_of(mask, spec, "mask")
    labels = np.asarray(mask)
    if labels.dtype != np.uint8 or labels.ndim != 2:
        raise UserError(f"a mask is {labels.dtype} {labels.shape}; class numbers, uint8 (H, W), are needed")
    return fit_labels(labels, height, width)
