"""Unreadable items: the errors that mark them, how many are skipped, and that nothing partial is cached."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from composegan.data import FolderSource, UserError, pack
from composegan.data.statistics import class_statistics


def io_error(index):
    return OSError(errno.EIO, os.strerror(errno.EIO))


def io_error_of_a_file(index):
    return OSError(errno.EIO, os.strerror(errno.EIO), f"/mnt/{index}.png")


def lost(index):
    return ConnectionError("the network is gone")


@pytest.fixture
def flaky(towns):
    """(count, bad, error) -> a source whose `bad` items raise an OSError."""

    class Flaky(towns):
        def __init__(self, count, bad=(), error=io_error):
            super().__init__(count)
            self.fails, self.error = frozenset(bad), error

        def __getitem__(self, index):
            if index in self.fails:
                raise self.error(index)
            return super().__getitem__(index)

    return Flaky


def statistics(source, folder, spec, on_error):
    return class_statistics(source, 4, on_error=on_error).images


def cached(source, folder, spec, on_error):
    return class_statistics(source, 4, cache=folder, on_error=on_error).images


def packed(source, folder, spec, on_error):
    return len(pack(source, folder / "packed", spec, 16, 16, workers=0, on_error=on_error))


each_way = pytest.mark.parametrize("read", [statistics, cached, packed])


@each_way
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (io_error, "item 2: cannot be read (Input/output error)"),
        (io_error_of_a_file, "/mnt/2.png: cannot be read (Input/output error)"),
        (lost, "item 2: cannot be read (the network is gone)"),
    ],
)
def test_os_error_of_a_source_is_a_bad_item(read, error, reason, flaky, tmp_path, spec):
    source = flaky(7, bad=(2, 3), error=error)
    with pytest.raises(UserError) as caught:
        read(source, tmp_path, spec, "stop")
    assert str(caught.value) == reason
    assert read(source, tmp_path, spec, "skip") == 5


def test_index_lists_skipped_items(flaky, tmp_path, spec):
    source = pack(flaky(7, bad=(2, 3)), tmp_path / "packed", spec, 16, 16, workers=0, on_error="skip")
    assert source.index.skipped == [f"item {n}: cannot be read (Input/output error)" for n in (2, 3)]


@each_way
def test_no_usable_item_is_an_error(read, flaky, tmp_path, spec):
    with pytest.raises(UserError, match="^none of the 3 images can be used; the first: item 0: cannot be read"):
        read(flaky(3, bad=range(3)), tmp_path, spec, "skip")
    assert not list(tmp_path.rglob("*.np[yz]"))


@pytest.mark.parametrize("read", [statistics, packed])
def test_skipping_stops_after_100_in_a_row(read, flaky, tmp_path, spec):
    """A mount that disappears half-way must not leave half a data set."""
    with pytest.raises(UserError, match="^none of 100 images in a row can be used; the first: item 250: cannot be"):
        read(flaky(450, bad=range(250, 450)), tmp_path, spec, "skip")
    assert not (tmp_path / "packed").exists()
    alone = set(range(450)) - set(range(0, 450, 100))
    assert read(flaky(450, bad=alone), tmp_path, spec, "skip") == 5


def test_skipping_stops_after_100_in_a_row_across_processes(write_folder, tmp_path, spec):
    """The chunks of the processes do not coincide with the bad items."""
    source = FolderSource(write_folder(430, height=4, width=4), spec)
    for index in range(150, 250):
        (source.root / source.files[index][0]).write_bytes(b"")
    with pytest.raises(UserError, match="^none of 100 images in a row can be used; the first: .*png: "):
        pack(source, tmp_path / "packed", spec, 4, 4, workers=2, on_error="skip")
    (source.root / source.files[250][0]).replace(source.root / source.files[200][0])
    (source.root / source.files[250][0]).write_bytes(b"")
    assert len(pack(source, tmp_path / "packed", spec, 4, 4, workers=2, on_error="skip")) == 330


@pytest.mark.parametrize("later", ["stop", "skip"])
def test_partial_statistics_are_not_cached(write_folder, spec, tmp_path, monkeypatch, later, caplog):
    """The files are the same before and after: only the disk failed."""
    source, get = FolderSource(write_folder(7), spec), FolderSource.__getitem__
    with monkeypatch.context() as patch:

        def fails(source, index):
            if index in (2, 3):
                raise UserError("x: cannot be read (Input/output error)")
            return get(source, index)

        patch.setattr(FolderSource, "__getitem__", fails)
        assert class_statistics(source, 4, cache=tmp_path / "cache", on_error="skip").images == 5
    assert "5 of 7 images" in caplog.text
    assert class_statistics(source, 4, cache=tmp_path / "cache", on_error=later).images == 7
    monkeypatch.setattr(FolderSource, "__getitem__", None)  # from the cache
    assert class_statistics(source, 4, cache=tmp_path / "cache", on_error=later).images == 7


def test_cached_partial_statistics_are_ignored(write_folder, spec, tmp_path):
    """Older versions cached them."""
    source = FolderSource(write_folder(7), spec)
    whole = class_statistics(source, 4, cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache").rglob("*.npz")
    with np.load(file) as arrays:
        np.savez(file, **{**arrays, "counts": np.array([5]), "sets": whole.sets[:1]})
    assert class_statistics(source, 4, cache=tmp_path / "cache").images == 7
