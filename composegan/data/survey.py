"""What each picture of a source holds, as training sees it: for `look`, and for warnings before training."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from composegan.data.cache import read_arrays, write_arrays
from composegan.data.fingerprints import fingerprint
from composegan.data.items import InARow, read_item
from composegan.data.label_errors import ENOUGH, LabelError, counted
from composegan.data.packed import PackedSource
from composegan.data.parallel import in_chunks
from composegan.data.repeats import repeated_edges
from composegan.data.resize import center_crop, fit_sample
from composegan.data.sample import Sample
from composegan.errors import UserError
from composegan.plugin.domain import Source
from composegan.runtime.progress import progress_bar
from composegan.runtime.surroundings import usable_cpus

MOST = 20_000
"""Pictures that are surveyed, spread evenly over the source."""
CHUNK, WORTH_A_PROCESS = 50, 1000  # pictures; starting a worker takes as long as reading a few hundred
AT_ONCE = 2**27
"""Bytes of a packed source that are surveyed at the start of `fit`, in a fraction of a second."""
SAMPLE, PATIENCE = 64, 0.7
"""Pictures of another source that are surveyed at the start of `fit`, and seconds after which that ends."""


@dataclass(frozen=True)
class Survey:
    """n pictures of a source with K classes, cropped at the center and resized to one size.

    numbers: (n,), their places in the source, ascending; area: (n, K), pixels of each class; border: (n, K), those of
    the outermost rows and columns; sizes: (n, 2), height and width as read; edges: (n,), fraction of pixels that repeat
    the edge of a picture; void: (n,), fraction that had no class; prints: (n,) uint64, a hash of the image.
    """

    numbers: np.ndarray
    area: np.ndarray
    border: np.ndarray
    sizes: np.ndarray
    edges: np.ndarray
    void: np.ndarray
    prints: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def pictures(self) -> np.ndarray:
        """(K,), in how many pictures each class is."""
        return (self.area > 0).sum(axis=0)

    @property
    def share(self) -> np.ndarray:
        """(K,), fraction of all pixels of each class."""
        return self.area.sum(axis=0) / max(1, self.area.sum())


DTYPES = {
    "numbers": "int64", "area": "int64", "border": "int64", "sizes": "int64", "edges": "float64", "void": "float64",
    "prints": "uint64",
}  # fmt: skip


def survey(
    source: Source, classes: int, height: int, width: int, *, cache: Path | None = None, on_error: str = "stop",
    title: str = "", most: int = MOST, workers: int | None = None,
) -> Survey:  # fmt: skip
    """Survey at most `most` evenly spaced pictures of a source, or take the survey from the cache.

    cache: the cache folder; None: no cache. on_error: "skip" leaves out pictures that cannot be read. title: of a
    progress bar; "" shows none. workers: processes; None: one per CPU. Raises UserError when nothing can be read, or a
    label is no class.
    """
    file = _file(source, classes, height, width, most, cache)
    if file and (found := _read(file, classes)):
        return found
    numbers = _spread(len(source), most)
    found = _measure(source, classes, height, width, numbers, on_error, title, workers)
    if file and len(found) == len(numbers):
        write_arrays(file, **asdict(found))
    return found


def survey_at_hand(source: Source, classes: int, height: int, width: int, cache: Path | None) -> Survey | None:
    """A survey that costs no more than a second: one from the cache, or of a part of the source; None: of nothing.

    It has all pictures, `len(survey) == len(source)`, if it is from the cache or of a small packed source.
    """
    file = _file(source, classes, height, width, MOST, cache)
    if file and (found := _read(file, classes)):
        return found
    if isinstance(source, PackedSource):
        affordable = max(SAMPLE, AT_ONCE // (4 * source.size[0] * source.size[1]))
        numbers, end = _spread(len(source), min(affordable, MOST)), float("inf")
    else:
        step = len(source) * 0.6180339887  # of the golden ratio: any number of these places is spread evenly
        numbers, end = [int(place * step % len(source)) for place in range(SAMPLE)], time.monotonic() + PATIENCE
        numbers = list(dict.fromkeys(numbers))
    rows: dict[int, _Row] = {}
    for number in numbers:
        if time.monotonic() > end:
            break
        try:
            rows[number] = _row(read_item(source, number, classes), classes, height, width)
        except UserError:  # raised again when the picture is needed
            continue
    return _joined(sorted(rows), [rows[number] for number in sorted(rows)]) if rows else None


_Row = tuple[np.ndarray, np.ndarray, tuple[int, ...], float, float, int]
"""area, border, size, edges, void and print of a picture."""


@dataclass(frozen=True)
class _Part:
    """The rows of a chunk, the reason in place of a row that failed, and errors about labels, which are counted."""

    rows: list[_Row | str]
    wrong: list[LabelError]


def _measure(
    source: Source, classes: int, height: int, width: int, numbers: list[int], on_error: str, title: str,
    workers: int | None,
) -> Survey:  # fmt: skip
    work = partial(_chunk, classes, height, width, numbers, on_error)
    processes = min(usable_cpus() if workers is None else workers, len(numbers) // WORTH_A_PROCESS)
    processes = 1 if isinstance(source, PackedSource) else processes
    kept: list[int] = []
    rows: list[_Row] = []
    wrong: list[LabelError] = []
    failures = InARow(len(numbers))
    if not numbers:
        raise UserError("there are no images to look at")
    with progress_bar(title, len(numbers)) as advance:
        done = 0
        for part in in_chunks(work, source, range(0, len(numbers), CHUNK), processes, title or "survey"):
            wrong += part.wrong
            for number, row in zip(numbers[done:], part.rows, strict=False):
                failures.note(number, row if isinstance(row, str) and row else None)
                if not isinstance(row, str):
                    kept.append(number)
                    rows.append(row)
            done += len(part.rows)
            advance(len(part.rows))
            if len(wrong) >= ENOUGH:
                break
    if wrong:
        raise counted(wrong, done)
    return _joined(kept, rows)


def _chunk(
    classes: int, height: int, width: int, numbers: Sequence[int], on_error: str, source: Source, start: int
) -> _Part:
    rows: list[_Row | str] = []
    wrong: list[LabelError] = []
    for number in numbers[start : start + CHUNK]:
        try:
            rows.append(_row(read_item(source, number, classes), classes, height, width))
        except UserError as error:
            if on_error != "skip" and not isinstance(error, LabelError):
                raise
            if on_error != "skip" and isinstance(error, LabelError):
                wrong.append(error)
            rows.append(str(error) if on_error == "skip" else "")
    return _Part(rows, wrong)


def _row(sample: Sample, classes: int, height: int, width: int) -> _Row:
    size = sample.labels.shape
    rows, columns = center_crop(sample.labels, height, width)
    fitted = fit_sample(sample, height, width)
    labels = fitted.labels
    border = np.concatenate((labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]))
    print_of = hashlib.blake2b(fitted.image.tobytes(), digest_size=8)
    return (
        np.bincount(labels.ravel(), minlength=classes),
        np.bincount(border, minlength=classes),
        size,
        repeated_edges(sample.image[:, rows, columns]),
        sample.void,
        int.from_bytes(print_of.digest(), "little"),
    )


def _joined(numbers: list[int], rows: list[_Row]) -> Survey:
    columns = dict(zip(("area", "border", "sizes", "edges", "void", "prints"), zip(*rows, strict=True), strict=True))
    arrays = {"numbers": numbers, **columns}
    return Survey(**{name: np.array(values, DTYPES[name]) for name, values in arrays.items()})


def _spread(count: int, most: int) -> list[int]:
    """At most `most` places from 0 to count - 1, spread evenly."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist()


def _file(source: Source, classes: int, height: int, width: int, most: int, cache: Path | None) -> Path | None:
    known = fingerprint(source) if cache else None
    name = f"{known}-{classes}-{height}x{width}-{min(most, len(source))}.npz"
    return cache / "surveys" / name if cache and known else None


def _read(file: Path, classes: int) -> Survey | None:
    arrays = read_arrays(file)
    if arrays is None or set(arrays) != {field.name for field in fields(Survey)}:
        return None
    count = len(arrays["numbers"]) if arrays["numbers"].ndim else 0
    shapes = {"area": (count, classes), "border": (count, classes), "sizes": (count, 2)}
    usable = count and all(
        arrays[name].shape == shapes.get(name, (count,)) and arrays[name].dtype == DTYPES[name] for name in DTYPES
    )
    return Survey(**arrays) if usable else None
