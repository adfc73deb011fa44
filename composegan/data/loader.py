"""Batches for training, without end.

What is in each is a pure function of (seed, position), whoever reads it and from wherever on.
"""

from __future__ import annotations

import atexit
import logging
import re
import signal
import time
import weakref
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from composegan.data.items import IN_A_ROW
from composegan.data.order import stream_flips, stream_indices
from composegan.data.packed import PackedSource
from composegan.data.resize import fit_sample
from composegan.data.sample import check_labels, check_sample
from composegan.errors import UserError
from composegan.plugin.domain import Source
from composegan.runtime.ranks import end_with_parent

log = logging.getLogger(__name__)
PATIENCE = 2.0
"""Seconds that reading processes have, all together, to end by themselves once they are no longer needed."""


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
        worker_init_fn=_depend_on_the_trainer,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
        generator=generator,
    )
    loader.skipped = {}
    return loader


def _depend_on_the_trainer(worker: int) -> None:
    """Ctrl-C, and `timeout` and job systems with SIGTERM, reach workers too: the trainer ends them, a step later.

    Unless it is killed. Torch's own watch is between two batches, which a worker whose disk hangs does not come to.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()


class TrainingLoader(DataLoader):
    """A DataLoader that raises a worker's UserError as it was, and keeps count of skipped items.

    skipped: name of each bad item met so far -> what is wrong with it. patient: a batch that cannot be had, other than
    the first, is not raised but ends the batches, and `failure` says what is wrong.
    """

    skipped: dict[str, str]
    patient = False
    failure: str | None = None

    def _get_iterator(self) -> Any:
        return Readers(self) if self.num_workers else super()._get_iterator()

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        batches, given = super().__iter__(), False
        while True:
            try:
                item, failures = next(batches)
            except RuntimeError as error:
                item, failures = dead_reader(error), {}
                if item is None:
                    raise
            for name, reason in failures.items():
                if name not in self.skipped:
                    self.skipped[name] = reason
                    log.warning("skipped (%d so far): %s", len(self.skipped), reason)
            if isinstance(item, str):
                batches = self._iterator = None  # ends the workers now; the error's traceback would keep them
                if given and self.patient:
                    self.failure = item
                    return
                raise UserError(item)
            given = True
            yield item


class Readers(_MultiProcessingDataLoaderIter):
    """Torch's reading processes; who does not end in time when the others do is killed, as one whose disk hangs.

    Torch gives each five seconds, one after another, and then sends SIGTERM, which they leave to the trainer; Python's
    end sends it, too, and waits for them without end.
    """

    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        atexit.register(_end, weakref.ref(self))  # comes before torch's and Python's own, which are older

    def _shutdown_workers(self) -> None:
        """What torch calls when nobody needs the batches any more. It asks them to end, joins, and then terminates."""
        until = time.monotonic() + PATIENCE
        for reader in self._workers:
            reader.join = lambda timeout=None, join=reader.join: join(max(0.05, until - time.monotonic()))
            reader.terminate = reader.kill
        super()._shutdown_workers()


def _end(readers: weakref.ref[Readers]) -> None:
    if (here := readers()) is not None:
        here._shutdown_workers()


def dead_reader(error: RuntimeError) -> str | None:
    """What to say of torch's error about a reading process that was killed; None: it is another error."""
    found = re.search(r"DataLoader worker .*?(?:killed by signal: ([\w ]+)|exited unexpectedly)", str(error))
    if found is None:
        return None
    how = f"was killed ({found[1].strip()})" if found[1] else "ended"
    return f"a process that reads data {how}; is the data still there, and are memory and /dev/shm large enough?"


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
        except (UserError, OSError) as error:
            return reason_of(error), failures
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
        tries = min(len(self.source), IN_A_ROW)
        for shift in range(1, tries + 1):
            try:
                sample = fit_sample(check_sample(self.source[index], self.classes), self.height, self.width)
                return sample.image, sample.labels
            except (UserError, OSError) as error:
                if not self.skip:
                    raise
                failures[f"item {index}"] = last = reason_of(error)
            index = int(stream_indices(np.array([position]), self.seed, len(self.source), shift)[0])
        which = f"none of the {tries} images" if tries == len(self.source) else f"none of {tries} images in a row"
        raise UserError(f"{which} can be used; the last: {last}")


def reason_of(error: UserError | OSError) -> str:
    """In one line. An OSError is that of a source that leaves it to us, as when a network's disk is gone."""
    if isinstance(error, UserError):
        return str(error)
    return f"{error.filename or 'the data'}: cannot be read ({error.strerror or error})"
