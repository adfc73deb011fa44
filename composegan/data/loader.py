"""Endless batches for training.

The content of each batch is a pure function of (seed, position in the stream), however many processes read it and
wherever the run was resumed.
"""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import re
import weakref
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from composegan.data.items import IN_A_ROW, read_item
from composegan.data.order import stream_flips, stream_indices
from composegan.data.packed import PackedSource
from composegan.data.resize import fit_sample
from composegan.data.sample import check_labels
from composegan.errors import UserError
from composegan.plugin.domain import Source
from composegan.runtime.ranks import end_with_parent, ignore_signals

log = logging.getLogger(__name__)
PATIENCE = 0.5
"""Seconds that each reading process has to exit once it is no longer needed, before it is killed."""

DEAD_READER = "a process that reads data {}; is the data still there, and are memory and /dev/shm large enough?"

Batch = dict[str, torch.Tensor]


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

    classes: size of the vocabulary. batch: images per step on this rank.
    start: positions already consumed by all ranks. Step s of rank r takes positions
        start + s * batch * world + r * batch + [0, batch), so that the ranks' batches together are one process's.
    workers: reading processes; 0 reads in this one. The batches are the same, bit for bit.
    flip: mirror half of the images and their labels.
    mirrored: what each label value becomes in a mirrored image (`DomainSpec.mirrored`); empty: itself.
    on_error: "stop" raises a bad item's UserError; "skip" takes the next item of the epoch's order instead, logs a
        warning and adds it to `loader.skipped`.
    """
    if len(source) == 0:
        raise UserError("there are no images to train on; see data.root")
    mirror = np.array(mirrored or range(classes), np.uint8) if flip else None
    batches = Batches(source, classes, batch, height, width, seed, rank, world, start, mirror, on_error == "skip")
    return TrainingLoader(
        batches,
        batch_size=None,  # the dataset's items are whole batches
        sampler=Steps(),
        num_workers=workers,  # in each of which torch uses a single thread
        worker_init_fn=_ignore_signals,
        multiprocessing_context=_reader_context() if workers else None,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator().manual_seed(seed),  # otherwise torch draws the workers' seed from the global one
    )


class TrainingLoader(DataLoader):
    """A DataLoader that raises a reader's UserError unchanged and records skipped items.

    skipped: name of each bad item so far -> what is wrong with it. patient: an error after the first batch ends the
    iteration instead of being raised, and `failure` holds its text.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.skipped: dict[str, str] = {}
        self.patient = False
        self.failure: str | None = None

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # torch's own iterator types are private
        batches = self._batches()
        # Runs before multiprocessing's own exit handler, which would wait for a reader that hangs.
        atexit.register(_close, weakref.ref(batches))
        return batches

    def _batches(self) -> Generator[Batch, None, None]:
        batches, first = super().__iter__(), True
        while True:
            try:
                item, failures = next(batches)
            except RuntimeError as error:
                item, failures = dead_reader(error), {}
                if item is None:
                    raise
            except (OSError, EOFError):  # of the connection to a reader that died
                if not self.num_workers:
                    raise
                item, failures = DEAD_READER.format("ended"), {}
            for name, reason in failures.items():
                if name not in self.skipped:
                    self.skipped[name] = reason
                    log.warning("skipped (%d so far): %s", len(self.skipped), reason)
            if isinstance(item, str):
                del batches  # ends the readers now: the traceback of the error would keep them
                if self.patient and not first:
                    self.failure = item
                    return
                raise UserError(item)
            first = False
            yield item


def _close(reference: weakref.ref[Generator[Batch, None, None]]) -> None:
    if (batches := reference()) is not None:
        batches.close()


class Reader(multiprocessing.Process):
    """A reading process that torch kills when it does not exit in time, as one whose disk hangs.

    Torch would wait five seconds for each and then send SIGTERM, which readers ignore.
    """

    def join(self, timeout: float | None = None) -> None:
        with suppress(RuntimeError):  # raised by torch's SIGCHLD handler when a reader has died
            super().join(timeout and min(timeout, PATIENCE))

    def terminate(self) -> None:
        self.kill()


def _reader_context() -> BaseContext:
    """The default multiprocessing context, whose processes are Readers."""
    default = type(multiprocessing.get_context(multiprocessing.get_start_method()))
    context: BaseContext = type("ReaderContext", (default,), {"Process": Reader})()
    return context


def _ignore_signals(worker: int) -> None:
    """Leave it to the trainer to end the readers after its current step, and end with it when it is killed.

    Ctrl-C and the SIGTERM of `timeout` and job systems reach readers, too. Torch itself only notices between two
    batches that the trainer is gone, which a reader whose disk hangs never reaches.
    """
    ignore_signals("SIGINT", "SIGTERM", "SIGHUP")
    end_with_parent()


def dead_reader(error: RuntimeError) -> str | None:
    """The error line for torch's error about a reading process that died; None for any other error."""
    found = re.search(r"DataLoader worker .*?(?:killed by signal: ([\w ]+)|exited unexpectedly)", str(error))
    if found is None:
        return None
    return DEAD_READER.format(f"was killed ({found[1].strip()})" if found[1] else "ended")


class Steps(Sampler[int]):
    """0, 1, 2, ... without end."""

    def __iter__(self) -> Iterator[int]:
        return count()


@dataclass(frozen=True, eq=False)
class Batches(Dataset[tuple[Batch | str, dict[str, str]]]):
    """Whole batches by step: (batch, failures), where failures maps skipped items to the reason.

    A UserError is returned as its text in place of the batch: raised in a worker it would arrive inside a traceback.
    mirror: label values of a mirrored image, uint8 (classes,); None: no image is mirrored. For the others see
    `training_loader`.
    """

    source: Source
    classes: int
    batch: int
    height: int
    width: int
    seed: int
    rank: int
    world: int
    start: int
    mirror: np.ndarray | None
    skip: bool

    def __getitem__(self, step: int) -> tuple[Batch | str, dict[str, str]]:
        first = self.start + (step * self.world + self.rank) * self.batch
        positions = np.arange(first, first + self.batch, dtype=np.int64)
        failures: dict[str, str] = {}
        try:
            images, labels = self._read(positions, failures)
        except UserError as error:
            return str(error), failures
        if self.mirror is not None:
            flipped = stream_flips(positions, self.seed)
            images[flipped] = images[flipped][..., ::-1]
            labels[flipped] = self.mirror[labels[flipped][..., ::-1]]
        arrays = {"image": images, "labels": labels, "position": positions}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}, failures

    def _read(self, positions: np.ndarray, failures: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
        indices = stream_indices(positions, self.seed, len(self.source))
        if isinstance(self.source, PackedSource) and self.source.size == (self.height, self.width):
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
                sample = fit_sample(read_item(self.source, index, self.classes), self.height, self.width)
                return sample.image, sample.labels
            except UserError as error:
                if not self.skip:
                    raise
                failures[f"item {index}"] = last = str(error)
            index = int(stream_indices(np.array([position]), self.seed, len(self.source), shift)[0])
        which = f"none of the {tries} images" if tries == len(self.source) else f"none of {tries} images in a row"
        raise UserError(f"{which} can be used; the last: {last}")
