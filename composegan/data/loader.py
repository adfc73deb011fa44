"""Batches for training, without end.

What is in each is a pure function of (seed, position), whoever reads it and from wherever on.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from composegan.config.errors import UserError
from composegan.data.order import stream_flips, stream_indices
from composegan.data.packed import PackedSource
from composegan.data.resize import fit_sample
from composegan.data.sample import check_labels, check_sample
from composegan.domain import Source

log = logging.getLogger(__name__)


def training_loader(
    source: Source,
    *,
    classes: int,
    batch: int,
    height: int,
    width: int,
    seed: int,
    rank: int = 0,
    world: int = 1,
    start: int = 0,
    workers: int = 0,
    flip: bool = False,
    mirrored: Sequence[int] = (),
    on_error: str = "stop",
) -> TrainingLoader:
    """An endless loader of dict(image=, labels=, position=), tensors:

    image uint8 (B, 3, height, width), labels uint8 (B, height, width), position int64 (B,) in the stream.

    classes: size of the vocabulary. batch: images a step on this device.
    start: positions already consumed, over all devices. Step s of rank r takes positions
        start + s * batch * world + r * batch + [0, batch), so that the ranks' batches side by side are one process's.
    workers: reading processes; 0 reads in this one. The batches are the same, bit for bit.
    flip: mirror half of the images, and their labels.
    mirrored: what each label value becomes then (`DomainSpec.mirrored`); empty: itself.
    on_error: "stop" raises a bad item's UserError; "skip" takes the next item of the epoch's order in its place, warns,
        and collects it in `loader.skipped`.
    """
    if len(source) == 0:
        raise UserError("there are no images to train on; see data.root")
    skip = on_error == "skip"
    batches = Batches(source, classes, batch, height, width, seed, rank, world, start, flip, skip, mirrored)
    # Torch draws a seed for the workers from the global generator unless it is given one: a loader must not shift it.
    generator = torch.Generator().manual_seed(seed)
    loader = TrainingLoader(
        batches,
        batch_size=None,  # the dataset's items are whole batches
        sampler=Steps(),
        num_workers=workers,  # in each of which torch uses a single thread
        worker_init_fn=_leave_signals_to_the_trainer,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
        generator=generator,
    )
    loader.skipped = {}
    return loader


def _leave_signals_to_the_trainer(worker: int) -> None:
    """Ctrl-C, and `timeout` and job systems with SIGTERM, reach workers too: the trainer ends them, a step later."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class TrainingLoader(DataLoader):
    """A DataLoader that raises a worker's UserError as it was, and keeps count of skipped items.

    skipped: name of each bad item met so far -> what is wrong with it.
    """

    skipped: dict[str, str]

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        batches = super().__iter__()
        while True:
            item, failures = next(batches)
            for name, reason in failures.items():
                if name not in self.skipped:
                    self.skipped[name] = reason
                    log.warning("skipped (%d so far): %s", len(self.skipped), reason)
            if isinstance(item, str):
                batches = self._iterator = None  # ends the workers now; the error's traceback would keep them
                raise UserError(item)
            yield item


class Steps(Sampler):
    """0, 1, 2, ... without end."""

    def __iter__(self) -> Iterator[int]:
        return count()


class Batches(Dataset):
    """Whole batches by step: `(batch, failures)`, where failures maps skipped items to the reason.

    A UserError is returned, as its text in place of the batch: raised in a worker it would arrive in a traceback.
    """

    def __init__(
        self, source: Source, classes: int, batch: int, height: int, width: int, seed: int,
        rank: int, world: int, start: int, flip: bool, skip: bool, mirrored: Sequence[int],
    ) -> None:  # fmt: skip
        self.source, self.classes, self.batch, self.height, self.width = source, classes, batch, height, width
        self.seed, self.rank, self.world, self.start, self.flip, self.skip = seed, rank, world, start, flip, skip
        self.mirrored = np.array(mirrored or range(classes), np.uint8)
        self.direct = isinstance(source, PackedSource) and source.size == (height, width)

    def __getitem__(self, step: int) -> tuple[dict[str, torch.Tensor] | str, dict[str, str]]:
        first = self.start + (step * self.world + self.rank) * self.batch
        positions = np.arange(first, first + self.batch, dtype=np.int64)
        failures: dict[str, str] = {}
        try:
            images, labels = self._read(positions, failures)
        except UserError as error:
            return str(error), failures
        if self.flip:
            mirrored = stream_flips(positions, self.seed)
            images[mirrored] = images[mirrored][..., ::-1]
            labels[mirrored] = self.mirrored[labels[mirrored][..., ::-1]]
        arrays = {"image": images, "labels": labels, "position": positions}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}, failures

    def _read(self, positions: np.ndarray, failures: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
        indices = stream_indices(positions, self.seed, len(self.source))
        if self.direct:
            images, labels = self.source.read_batch(indices)
            check_labels(labels, self.classes, str(self.source.folder))
            return images, labels
        images = np.empty((len(positions), 3, self.height, self.width), np.uint8)
        labels = np.empty((len(positions), self.height, self.width), np.uint8)
        for place, index in enumerate(indices.tolist()):
            images[place], labels[place] = self._read_one(index, int(positions[place]), failures)
        return images, labels

    def _read_one(self, index: int, position: int, failures: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
        for shift in range(1, len(self.source) + 1):
            try:
                sample = fit_sample(check_sample(self.source[index], self.classes), self.height, self.width)
                return sample.image, sample.labels
            except UserError as error:
                if not self.skip:
                    raise
                failures[f"item {index}"] = str(error)
            index = int(stream_indices(np.array([position]), self.seed, len(self.source), shift)[0])
        raise UserError(f"none of the {len(self.source)} images can be used; the last: {failures[f'item {index}']}")
