"""Resize an image and its labels to the size of the model, after a center crop to its aspect ratio.

Images use Pillow's antialiased LANCZOS filter, as most published scores do. Labels take the class at the center of
each new pixel, which keeps the share of every class on average. A majority vote looks smoother but loses thin classes:
of 512 x 512 avatars at 32 x 32 it keeps a tenth of the earrings and a sixth of the glasses (docs/data.md).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from composegan.data.sample import Sample


def fit_sample(sample: Sample, height: int, width: int) -> Sample:
    """The sample at (height, width): image uint8 (3, height, width), labels uint8 (height, width)."""
    if sample.labels.shape == (height, width):
        return sample
    image, labels = fit_image(sample.image, height, width), fit_labels(sample.labels, height, width)
    return replace(sample, image=image, labels=labels)


def fit_image(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (3, H, W) -> uint8 (3, height, width): cropped at the center to the aspect ratio, and resized."""
    rows, columns = center_crop(image, height, width)
    return resize_image(image[:, rows, columns], height, width)


def fit_labels(labels: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (H, W) -> uint8 (height, width): cropped at the center to the aspect ratio, and resized."""
    rows, columns = center_crop(labels, height, width)
    return resize_labels(labels[rows, columns], height, width)


def center_crop(array: np.ndarray, height: int, width: int) -> tuple[slice, slice]:
    """(rows, columns) of the largest centered part of an array (..., H, W) with the aspect ratio height : width."""
    from_height, from_width = array.shape[-2:]
    scale = min(from_height / height, from_width / width)
    crop_height, crop_width = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (from_height - crop_height) // 2, (from_width - crop_width) // 2
    return slice(top, top + crop_height), slice(left, left + crop_width)


def resize_image(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (3, H, W) -> uint8 (3, height, width), antialiased (Pillow LANCZOS)."""
    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1))


def resize_labels(labels: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (H, W) -> uint8 (height, width): the class at the center of each new pixel."""
    return labels[np.ix_(centers(labels.shape[0], height), centers(labels.shape[1], width))]


def centers(size: int, new_size: int) -> np.ndarray:
    """The old pixel under the center of each new one, int64 (new_size,), in exact integer arithmetic."""
    return (2 * np.arange(new_size) + 1) * size // (2 * new_size)
