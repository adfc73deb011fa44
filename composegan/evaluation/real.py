"""The real set: which images, at the model's size, and the rows that describe them, computed once and cached."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from composegan.config.schema import DataConfig
from composegan.data.cache import read_arrays, write_arrays
from composegan.data.fingerprints import content_fingerprint, digest, fingerprint
from composegan.data.items import Items
from composegan.data.resize import fit_sample
from composegan.errors import UserError
from composegan.metrics.rows import Describer
from composegan.plugin.domain import Source
from composegan.runtime.progress import progress_bar

log = logging.getLogger(__name__)
RESIZE = "Lanczos, antialiased"
BATCH = 32


@dataclass(frozen=True)
class RealSet:
    """Labelled images to compare with.

    name: in words; numbers: the chosen items of `source`, in a random but fixed order, so that the first half and the
    second are two samples of one distribution; folder: where their rows are cached, or None. detailed: opens the same
    items in more detail, for labels finer than the model's pixels; None: those of `source` are as fine as there are.
    """

    source: Source
    data: DataConfig
    classes: int
    name: str
    numbers: tuple[int, ...]
    folder: Path | None
    detailed: Callable[[], Source] | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def batches(self, numbers: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (B, 3, H, W) and labels (B, H, W), uint8, at the model's size; unreadable ones as data.on_error says.

        Raises UserError if none can be read.
        """
        items = Items(self.source, self.classes, self.data.on_error, len(numbers))
        for start in range(0, len(numbers), BATCH):
            read = [items.read(number) for number in numbers[start : start + BATCH]]
            samples = [fit_sample(sample, self.data.height, self.data.width) for sample in read if sample is not None]
            if samples:
                images, labels = (np.stack([getattr(s, part) for s in samples]) for part in ("image", "labels"))
                yield torch.from_numpy(images), torch.from_numpy(labels)


def real_set(
    source: Source, data: DataConfig, classes: int, name: str, most: int, cache: Path | None,
    detailed: Callable[[], Source] | None = None,
) -> RealSet:  # fmt: skip
    """At most `most` images of a source. cache: the folder under which rows are cached; detailed: see `RealSet`.

    Raises UserError for an empty source.
    """
    if len(source) == 0:
        raise UserError(f"the real set, {name}, has no images")
    numbers = np.random.default_rng(0).permutation(len(source))[:most].tolist()
    size = f"{data.height}x{data.width}"
    known = fingerprint(source) or (content_fingerprint(source, numbers) if cache else None)
    key = digest([known, size, data.split, data.on_error, classes, len(numbers)])
    folder = cache / f"{name.split()[0]}-{size}-{key}" if cache else None
    return RealSet(source, data, classes, name, tuple(numbers), folder, detailed)


@torch.inference_mode()
def real_rows(real: RealSet, describers: Mapping[str, Describer]) -> dict[str, Tensor]:
    """Rows of the real set by name, on the CPU: from the cache, and one pass over the images for the rest.

    Rows are not cached if an image was skipped, as it may be readable the next time.
    """
    found = {name: _cached(real, describer.key) for name, describer in describers.items() if describer.real}
    limits = {name: 2 * (describers[name].limit or len(real)) for name, rows in found.items() if rows is None}
    missing: dict[str, list[Tensor]] = {name: [] for name in limits}
    numbers, read = real.numbers[: max(limits.values(), default=0)], 0
    with progress_bar("Reading real images", len(numbers)) as advance:
        for images, labels in real.batches(numbers):
            for name, parts in missing.items():
                left = max(0, limits[name] - read)
                if left:
                    parts.append(describers[name].describe(images[:left], labels[:left]))
            read += len(images)
            advance(len(images))
    if read < len(numbers):
        log.warning("only %d of %d images of the real set, %s, can be read", read, len(real), real.name)
    for name, parts in missing.items():
        found[name], key = (rows := torch.cat(parts)), describers[name].key
        if key and real.folder and read == len(real):
            write_arrays(real.folder / f"{key}.npz", values=rows.numpy())
    return {name: rows for name, rows in found.items() if rows is not None}


def _cached(real: RealSet, key: str) -> Tensor | None:
    arrays = read_arrays(real.folder / f"{key}.npz") if real.folder and key else None
    try:
        rows = torch.from_numpy(arrays["values"]) if arrays else None
    except (KeyError, TypeError, ValueError):  # text, or numbers that torch does not have
        return None
    return rows if rows is not None and rows.shape[:1] == (len(real),) else None
