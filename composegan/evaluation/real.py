"""The real set: which images, at the model's size, and what is computed of them once and kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from composegan.config.schema import DataConfig
from composegan.data.cache import digest, fingerprint, read_arrays, write_arrays
from composegan.data.items import Items
from composegan.data.resize import fit_sample
from composegan.errors import UserError
from composegan.evaluation.networks import FeatureNetwork
from composegan.metrics.layout import class_proportions
from composegan.plugin.domain import Source
from composegan.runtime.progress import progress_bar

log = logging.getLogger(__name__)
RESIZE = "Lanczos, antialiased"


@dataclass(frozen=True)
class RealSet:
    """Labelled images to compare with.

    name: in words; numbers: the chosen items of `source`, in a random but fixed order, so that the first half and the
    second are two draws of one kind; folder: where what is computed of them is kept; None: nowhere.
    """

    source: Source
    data: DataConfig
    classes: int
    name: str
    numbers: tuple[int, ...]
    folder: Path | None

    def __len__(self) -> int:
        return len(self.numbers)

    def batches(self, numbers: Sequence[int], batch: int = 32) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (B, 3, H, W) and labels (B, H, W), uint8, at the model's size; unreadable ones as data.on_error.

        Raises UserError where none can be read.
        """
        items = Items(self.source, self.classes, self.data.on_error, len(numbers))
        for start in range(0, len(numbers), batch):
            read = [items.read(number) for number in numbers[start : start + batch]]
            samples = [fit_sample(sample, self.data.height, self.data.width) for sample in read if sample is not None]
            if samples:
                arrays = (np.stack([getattr(s, part) for s in samples]) for part in ("image", "labels"))
                yield tuple(map(torch.from_numpy, arrays))


def real_set(source: Source, data: DataConfig, classes: int, name: str, most: int, cache: Path | None) -> RealSet:
    """At most `most` images of a source. cache: the folder under which statistics are kept.

    Raises UserError when there are none.
    """
    if len(source) == 0:
        raise UserError(f"the real set, {name}, has no images")
    numbers = np.random.default_rng(0).permutation(len(source))[:most].tolist()
    size = f"{data.height}x{data.width}"
    key = digest([fingerprint(source), size, data.split, data.on_error, classes, len(numbers)])
    folder = cache / f"{name.split()[0]}-{size}-{key}" if cache else None
    return RealSet(source, data, classes, name, tuple(numbers), folder)


@dataclass(frozen=True)
class Statistics:
    """proportions: (N, K) of `class_proportions`; features: by the network's title, (N, D) float32. Both on the CPU."""

    proportions: Tensor
    features: dict[str, Tensor]


@torch.inference_mode()
def statistics(real: RealSet, networks: Sequence[FeatureNetwork]) -> Statistics:
    """Class proportions and features of the real set, from the cache where they are there; one pass for the rest.

    What is found of a part, as images are passed over, is not kept: all may be readable the next time.
    """
    found = {"layout": _read(real, "layout"), **{network.key: _read(real, network.key) for network in networks}}
    missing = [network for network in networks if found[network.key] is None]
    rows: dict[str, list[Tensor]] = {key: [] for key, values in found.items() if values is None}
    if rows:
        with progress_bar("Reading real images", len(real)) as advance:
            for images, labels in real.batches(real.numbers):
                if "layout" in rows:
                    rows["layout"].append(class_proportions(labels, real.classes).float())
                for network in missing:
                    rows[network.key].append(network.features(images).float().cpu())
                advance(len(images))
        found |= {key: torch.cat(parts) for key, parts in rows.items()}
        read = len(found[next(iter(rows))])
        if read < len(real):
            log.warning("only %d of %d images of the real set, %s, can be read", read, len(real), real.name)
        elif real.folder:
            for key in rows:
                write_arrays(real.folder / f"{key}.npz", values=found[key].numpy())
    return Statistics(found["layout"], {network.title: found[network.key] for network in networks})


def _read(real: RealSet, key: str) -> Tensor | None:
    arrays = read_arrays(real.folder / f"{key}.npz") if real.folder else None
    values = arrays.get("values") if arrays else None
    return None if values is None or values.shape[:1] != (len(real),) else torch.from_numpy(values)
