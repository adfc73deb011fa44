"""A labelled image, and its checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from composegan.data.label_errors import label_error
from composegan.errors import UserError


@dataclass(frozen=True)
class Sample:
    """One labelled image.

    image: uint8 (3, H, W), red green blue, 0..255.
    labels: uint8 (H, W), the class index of each pixel.
    name: for error lines: a file's path, or the number of a drawing.
    void: the share of pixels, 0..1, that the label file gives no class; they have that of the nearest pixel with one.
    """

    image: np.ndarray
    labels: np.ndarray
    name: str
    void: float = 0.0


def check_sample(sample: Sample, classes: int) -> Sample:
    """Return the sample after checking it: shapes agree, both uint8, every label below `classes`.

    Raises UserError naming the sample and the fault.
    """
    image, labels = sample.image, sample.labels
    for what, array, axes in (("image", image, 3), ("labels", labels, 2)):
        if array.dtype != np.uint8 or array.ndim != axes:
            form = "(3, height, width)" if axes == 3 else "(height, width)"
            raise UserError(f"{sample.name}: {what} is {array.dtype} {array.shape}; uint8 {form} is needed")
    if image.shape[0] != 3:
        raise UserError(f"{sample.name}: the image has {image.shape[0]} channels; red, green and blue are needed")
    if image.shape[1:] != labels.shape:
        (height, width), (label_height, label_width) = image.shape[1:], labels.shape
        raise UserError(
            f"{sample.name}: the image is {height} x {width} but its labels are {label_height} x {label_width} "
            "(height x width); make them the same size"
        )
    check_labels(labels, classes, sample.name)
    return sample


OUTSIDE = "label values outside the vocabulary"


def check_labels(labels: np.ndarray, classes: int, name: str, remedy: str = "") -> None:
    """Raise LabelError, with the count and the values, when a label (uint8, any shape) is not below `classes`."""
    if labels.size == 0 or int(labels.max()) < classes:
        return
    remedy = remedy or f"the {classes} classes are 0..{classes - 1}; correct them, or name more classes"
    raise label_error(name, OUTSIDE, labels[labels >= classes], labels.size, remedy)
