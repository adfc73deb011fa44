"""Statistics of a labelled data set by class: one pass over the data, cached."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from composegan.data.cache import read_arrays, write_arrays
from composegan.data.fingerprints import fingerprint
from composegan.data.items import Items
from composegan.data.label_errors import ENOUGH, LabelError, counted
from composegan.data.shapes import PLACES, typical_shapes
from composegan.data.tints import Tints
from composegan.errors import UserError
from composegan.metrics.thresholds import PRESENT
from composegan.networks.shapes import SHAPES
from composegan.plugin.domain import Source
from composegan.runtime.progress import progress_bar

log = logging.getLogger(__name__)
VERSION = 2
"""In the name of a cached file: another one whenever what is measured changes."""
CELLS = 8
"""Rows and columns of the position map."""
SHOWN = 2000
"""Pictures that are clustered by their label maps."""


@dataclass(frozen=True)
class ClassStatistics:
    """Statistics of N images with K classes. Fractions are 0..1.

    area: (K,), mean fraction of the picture; presence: (K,), fraction of pictures with the class; position:
    (K, 8, 8), mean fraction of each cell of the picture; shapes, shape_counts, view_counts: as of `typical_shapes`;
    color, spread: (K, 3), mean and standard deviation of the class's pixels, 0..1; grain: (K, 3), the latter within a
    picture; tints: (K, K, 3, 3), covariances of the mean colours of two classes, over the pictures with both; together:
    (K, K), fraction of pictures with both classes; sets: (n, K) bool, the class sets that occur, most frequent first;
    counts: (n,), their frequencies.
    """

    area: np.ndarray
    presence: np.ndarray
    position: np.ndarray
    shapes: np.ndarray
    shape_counts: np.ndarray
    view_counts: np.ndarray
    color: np.ndarray
    spread: np.ndarray
    grain: np.ndarray
    tints: np.ndarray
    together: np.ndarray
    sets: np.ndarray
    counts: np.ndarray

    @property
    def images(self) -> int:
        """The number of images."""
        return int(self.counts.sum())


def class_statistics(
    source: Source, classes: int, *, cache: Path | None = None, most: int = 20_000, on_error: str = "stop"
) -> ClassStatistics:
    """The statistics of at most `most` evenly spaced images of a source, from the cache if possible.

    cache: the cache folder; None disables caching, as does a source without a fingerprint. on_error: "skip" skips
    unreadable images; statistics of a part are not cached, as all may be readable the next time. Raises UserError when
    nothing can be read, or a label is no class.
    """
    numbers = np.unique(np.linspace(0, len(source) - 1, min(most, len(source))).round().astype(int)).tolist()
    known = fingerprint(source) if cache else None
    file = cache / "statistics" / f"{known}-{classes}-{len(numbers)}-{VERSION}.npz" if cache and known else None
    if file and (found := _read(file, classes)) and found.images == len(numbers):
        return found
    statistics = measure(source, classes, numbers, on_error)
    if statistics.images < len(numbers):
        log.warning("only %d of %d images can be read", statistics.images, len(numbers))
    elif file:
        write_arrays(file, **asdict(statistics))
    return statistics


def measure(source: Source, classes: int, numbers: Sequence[int], on_error: str = "stop") -> ClassStatistics:
    """The statistics of the images `numbers`, uncached, with a progress bar. Wrong labels are counted, then raised."""
    cells, pixels = np.zeros((classes, CELLS * CELLS)), np.zeros(classes)
    pictures: list[dict[int, np.ndarray]] = []
    apart = -(-len(numbers) // SHOWN)
    sums, squares, within = (np.zeros((classes, 3)) for _ in range(3))  # over pixels
    tints = Tints(classes)
    together, of_cell = np.zeros((classes, classes)), np.zeros(CELLS * CELLS)
    sets: Counter[bytes] = Counter()
    area = np.zeros(classes)
    wrong: list[LabelError] = []
    items = Items(source, classes, on_error, len(numbers))
    with progress_bar("Measuring the classes", len(numbers)) as done:
        for place, number in enumerate(numbers):
            done(1)
            try:
                sample = items.read(number)
            except LabelError as error:
                wrong.append(error)
                if len(wrong) == ENOUGH:
                    raise counted(wrong, place + 1) from None
                continue
            if sample is None:
                continue
            labels = sample.labels.ravel()
            cell = _cell_of(sample.labels, CELLS)
            cells += np.bincount(labels * np.int64(CELLS**2) + cell, minlength=classes * CELLS**2).reshape(classes, -1)
            of_cell += np.bincount(cell, minlength=CELLS**2)
            count = np.bincount(labels, minlength=classes)
            pixels += count
            area += count / labels.size
            values = sample.image.reshape(3, -1) / 255.0
            total, square = (
                np.stack([np.bincount(labels, value, classes) for value in given], axis=1)
                for given in (values, values * values)
            )  # (K, 3) each
            mean = total / np.maximum(count, 1)[:, None]
            sums, squares, within = sums + total, squares + square, within + square - total * mean
            tints.add(mean, count > 0)
            there = count >= PRESENT * labels.size
            there[count.argmax()] = True  # so that no class set is empty
            together += np.outer(there, there)
            sets[there.tobytes()] += 1
            if place % apart == 0:
                pictures.append({index: _covered(sample.labels == index) for index in np.flatnonzero(there).tolist()})
    if wrong:
        raise counted(wrong, len(numbers))
    images = sum(sets.values())
    if not images:
        raise UserError("there are no images to measure")
    known = np.maximum(pixels, 1)[:, None]
    color = sums / known
    ordered = sets.most_common()
    return ClassStatistics(
        area=area / images,
        presence=np.diagonal(together) / images,
        position=(cells / of_cell).reshape(classes, CELLS, CELLS),
        **typical_shapes(pictures, classes),
        color=color,
        spread=np.sqrt(np.maximum(squares / known - color**2, 0)),
        grain=np.sqrt(np.maximum(within / known, 0)),
        tints=tints.covariances(),
        together=together / images,
        sets=np.stack([np.frombuffer(key, dtype=bool) for key, _ in ordered]),
        counts=np.array([count for _, count in ordered]),
    )


def _cell_of(labels: np.ndarray, n: int) -> np.ndarray:
    """Of labels (H, W), the index of the cell of each pixel, of n x n: (H * W,)."""
    rows, columns = (np.arange(size) * n // size for size in labels.shape)
    return (rows[:, None] * n + columns).ravel()


def _covered(mask: np.ndarray) -> np.ndarray:
    """(H, W) bool -> (32, 32) uint8: how much of each cell the mask covers, of 255."""
    cell = _cell_of(mask, PLACES)
    covered, whole = (np.bincount(cell, weight, PLACES**2) for weight in (mask.ravel(), None))
    return (255 * covered / np.maximum(whole, 1)).astype(np.uint8).reshape(PLACES, PLACES)


def _read(file: Path, classes: int) -> ClassStatistics | None:
    arrays, k = read_arrays(file), (classes,)
    if arrays is None or set(arrays) != {field.name for field in fields(ClassStatistics)}:
        return None
    wanted: dict[str, tuple[int, ...]] = {
        "area": k, "presence": k, "together": k + k, "position": (*k, CELLS, CELLS),
        "shapes": (*k, SHAPES, PLACES, PLACES), "shape_counts": (SHAPES, *k), "view_counts": (SHAPES,),
        "color": (*k, 3), "spread": (*k, 3), "grain": (*k, 3), "tints": (*k, *k, 3, 3),
        "sets": (len(arrays["counts"]) if arrays["counts"].ndim else 0, *k), "counts": arrays["sets"].shape[:1],
    }  # fmt: skip
    kinds = {"sets": "b", "counts": "i", "shape_counts": "i", "view_counts": "i"}
    usable = all(arrays[n].shape == shape and arrays[n].dtype.kind == kinds.get(n, "f") for n, shape in wanted.items())
    return ClassStatistics(**arrays) if usable else None
