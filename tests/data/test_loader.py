"""Batches of training: the order, workers, ranks and flips."""

import logging
import multiprocessing
import os
import random
import signal
import subprocess
import time
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from composegan.data import FolderSource, UserError, pack, training_loader
from composegan.data import loader as loaders

COUNT = 13


@pytest.fixture
def packed(tmp_path, towns, spec):
    return pack(towns(COUNT), tmp_path / "packed", spec, 16, 16, workers=0)


def take(source, steps, **settings):
    """The first batches of a loader."""
    settings = {"classes": 4, "batch": 4, "height": 16, "width": 16, "seed": 7, "flip": True} | settings
    loader = training_loader(source, **settings)
    return [{name: value.clone() for name, value in batch.items()} for batch in islice(loader, steps)]


def assert_same(batches, others):
    assert len(batches) == len(others)
    for batch, other in zip(batches, others, strict=True):
        assert batch.keys() == other.keys() == {"image", "labels", "position"}
        assert all(torch.equal(batch[name], other[name]) for name in batch)


def join(batches):
    return {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}


def test_batch_shapes_and_dtypes(packed):
    (batch,) = take(packed, 1)
    assert batch["image"].shape == (4, 3, 16, 16) and batch["image"].dtype == torch.uint8
    assert batch["labels"].shape == (4, 16, 16) and batch["labels"].dtype == torch.uint8
    assert batch["position"].tolist() == [0, 1, 2, 3] and batch["position"].dtype == torch.int64


def test_epoch_shows_every_item_once(packed):
    images = join(take(packed, COUNT, flip=False))["image"].numpy()
    known = {packed[index].image.tobytes(): index for index in range(COUNT)}
    shown = np.array([known[image.tobytes()] for image in images])
    for epoch in shown.reshape(4, COUNT):
        assert sorted(epoch) == list(range(COUNT))


@pytest.mark.parametrize("kind", ["packed", "packed, other size", "folder"])
def test_batches_do_not_depend_on_workers(packed, write_folder, spec, kind):
    source = FolderSource(write_folder(COUNT), spec) if kind == "folder" else packed
    size = 8 if kind == "packed, other size" else 16
    alone = take(source, 9, height=size, width=size)
    assert_same(alone, take(source, 9, height=size, width=size, workers=2))


@pytest.mark.slow
def test_batches_do_not_depend_on_start_method(packed):
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    try:
        batches = take(packed, 3, workers=1)
    finally:
        multiprocessing.set_start_method(before, force=True)
    assert_same(batches, take(packed, 3))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [1, 4, 7])
def test_resumed_stream_equals_uninterrupted(packed, stop, workers):
    whole = take(packed, 9)
    assert_same(whole[:stop] + take(packed, 9 - stop, start=4 * stop, workers=workers), whole)


def test_start_need_not_be_a_multiple_of_the_batch(packed):
    """A run may be resumed with another batch size: the stream continues at the same position."""
    stream = join(take(packed, 5))
    rest = join(take(packed, 2, start=5, batch=6))
    assert all(torch.equal(rest[name], stream[name][5:17]) for name in rest)


def test_batches_of_ranks_concatenate_to_one_process(packed):
    whole = take(packed, 6, batch=6, start=6)
    ranks = [take(packed, 6, batch=2, rank=rank, world=3, start=6) for rank in range(3)]
    assert_same([join(parts) for parts in zip(*ranks, strict=True)], whole)


@pytest.mark.parametrize("mirrored", [(), (0, 3, 2, 1)])
def test_flip_mirrors_half_of_images_and_labels_and_swaps_classes(packed, mirrored):
    plain, flipped = join(take(packed, 12, flip=False)), join(take(packed, 12, mirrored=mirrored))
    here = [index for index in range(48) if not torch.equal(plain["image"][index], flipped["image"][index])]
    assert 12 < len(here) < 36 and (plain["labels"] == 1).any() and (plain["labels"] == 3).any()
    swap = torch.tensor(mirrored or range(4), dtype=torch.uint8)
    for index in range(48):
        image, labels = plain["image"][index], plain["labels"][index]
        expected = (image.flip(-1), swap[labels.flip(-1).long()]) if index in here else (image, labels)
        assert torch.equal(flipped["image"][index], expected[0]) and torch.equal(flipped["labels"][index], expected[1])


def test_flip_leaves_source_unchanged(packed):
    before = packed[0].image.copy(), packed[0].labels.copy()
    take(packed, 20)
    assert (packed[0].image == before[0]).all() and (packed[0].labels == before[1]).all()


@pytest.mark.parametrize("workers", [0, 1])
def test_loader_leaves_global_generators_unchanged(packed, workers):
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    take(packed, 3, workers=workers)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1] == states[1]).all() and random.getstate() == states[2]


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_item_raises_one_line(towns, workers):
    with pytest.raises(UserError) as caught:
        take(towns(COUNT, bad=(5,)), 4, workers=workers)
    assert str(caught.value) == "town 5: is damaged"


@pytest.mark.parametrize("workers", [0, 2])
def test_skipped_item_is_replaced_and_recorded(towns, workers, caplog):
    good, bad = towns(COUNT), towns(COUNT, bad=(5, 6))
    settings = {"batch": 1, "height": 24, "width": 24, "flip": False}
    images = [batch["image"][0].numpy().tobytes() for batch in take(good, 3 * COUNT, **settings)]
    expected = np.array([[good[index].image.tobytes() for index in range(COUNT)].index(image) for image in images])
    for order in expected.reshape(3, COUNT):
        while set(order) & {5, 6}:  # each is replaced by the next of the epoch's order, round the end
            order[:] = np.where(np.isin(order, (5, 6)), np.roll(order, -1), order)

    loader = training_loader(bad, classes=4, seed=7, on_error="skip", workers=workers, **settings)
    with caplog.at_level(logging.WARNING):
        shown = [batch["image"][0].numpy().tobytes() for batch in islice(loader, 3 * COUNT)]
    assert shown == [good[index].image.tobytes() for index in expected]
    assert sorted(loader.skipped.values()) == ["town 5: is damaged", "town 6: is damaged"]
    assert [record.getMessage()[:20] for record in caplog.records] == ["skipped (1 so far): ", "skipped (2 so far): "]


def test_unusable_sources_raise(towns):
    with pytest.raises(UserError, match="none of the 3 images can be used; the last: town"):
        take(towns(3, bad=(0, 1, 2)), 1, on_error="skip")
    with pytest.raises(UserError, match="no images to train on"):
        take(towns(0), 1)


def test_wrong_labels_raise(packed, towns):
    for source in (packed, towns(COUNT)):
        with pytest.raises(UserError, match=r"label values outside the vocabulary \(.*3\)"):
            take(source, 4, classes=3)


class Hanging:
    """A source whose disk no longer answers; each reading process leaves a file in `readers`."""

    def __init__(self, readers):
        self.readers = readers

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        (self.readers / str(os.getpid())).touch()
        time.sleep(100)


@pytest.fixture
def hanging(tmp_path):
    """() -> an iterator over batches of a loader, once both of its readers hang."""

    def hanging():
        readers = tmp_path / "readers"
        readers.mkdir()
        loader = training_loader(Hanging(readers), classes=4, batch=4, height=16, width=16, seed=7, workers=2)
        batches = DataLoader.__iter__(loader)  # starts the readers, and does not wait for a batch
        while len(list(readers.iterdir())) < 2:
            time.sleep(0.01)
        return batches

    return hanging


def assert_end(readers, seconds):
    """All readers end within so many seconds."""
    deadline = time.monotonic() + seconds
    while alive := [path.name for path in readers.iterdir() if is_alive(path.name)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)


def is_alive(process):
    """Whether a process runs; zombies do not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout
    return state.strip()[:1] not in ("", "Z")


def test_hanging_readers_are_killed_after_patience(hanging, tmp_path, monkeypatch):
    """Torch would wait five seconds for each and then send a signal that they ignore."""
    monkeypatch.setattr(loaders, "PATIENCE", 0.5)
    batches, start = hanging(), time.monotonic()
    del batches
    assert 0.4 < time.monotonic() - start < 3
    assert_end(tmp_path / "readers", 1)


def test_hanging_readers_end_with_killed_trainer(hanging, tmp_path):
    def work():
        batches = hanging()  # noqa: F841
        os.kill(os.getpid(), signal.SIGKILL)

    trainer = multiprocessing.get_context("fork").Process(target=work)
    trainer.start()
    trainer.join()
    assert_end(tmp_path / "readers", 4)


@pytest.mark.parametrize("pause", [0.0, 0.01])
def test_dead_reader_raises_one_line(packed, monkeypatch, pause):
    """Torch raises a RuntimeError, also in the midst of a step, or the error of the connection to the reader."""
    read = loaders.Batches.__getitem__

    def killed(batches, step):
        if step == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(batches, step)

    monkeypatch.setattr(loaders.Batches, "__getitem__", killed)
    for _ in range(4):
        try:
            for _ in training_loader(packed, classes=4, batch=4, height=16, width=16, seed=7, workers=1):
                time.sleep(pause)
        except UserError as error:
            line = str(error)
        except RuntimeError as error:
            line = loaders.dead_reader(error)
        assert line.startswith("a process that reads data ")


def test_loader_has_no_length(packed):
    with pytest.raises(TypeError):
        len(training_loader(packed, classes=4, batch=4, height=16, width=16, seed=0))
