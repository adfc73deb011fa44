"""Bring an image and its labels to the size of the model.

Another aspect ratio is cropped at the centre first. The image is then resized with Pillow's antialiased LANCZOS
filter, the one that most published scores are taken with. Labels take the class at the centre of each new pixel,
which on average keeps the share of every class. A majority vote looks smoother, but thin classes lose it everywhere:
of 512 x 512 avatars brought to 32 x 32 it leaves a tenth of the earrings and a sixth of the glasses (docs/data.md).
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from composegan.data.sample import Sample


def fit_sample(sample: Sample, height: int, width: int) -> Sample:
    """The sample at (height, width): image uint8 (3, height, width), labels uint8 (height, width)."""
    if sample.labels.shape == (height, width):
        return sample
    rows, columns = centre_crop(*sample.labels.shape, height, width)
    return Sample(
        resize_image(sample.image[:, rows, columns], height, width),
        resize_labels(sample.labels[rows, columns], height, width),
        sample.name,
    )


def centre_crop(from_height: int, from_width: int, height: int, width: int) -> tuple[slice, slice]:
    """The largest centred part with the aspect ratio of (height, width), as (rows, columns)."""
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
    """uint8 (H, W) -> uint8 (height, width): the class at the centre of each new pixel."""
    return labels[np.ix_(centres(labels.shape[0], height), centres(labels.shape[1], width))]


def centres(size: int, new_size: int) -> np.ndarray:
    """Index of the old pixel under the centre of each new one, int64 (new_size,), in exact integer arithmetic."""
    return (2 * np.arange(new_size) + 1) * size // (2 * new_size)
