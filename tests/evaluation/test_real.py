"""The real set, and the rows that are cached between evaluations."""

import os
import pickle
import shutil
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from composegan.config.compose import open_domain
from composegan.config.schema import DataConfig
from composegan.data import items
from composegan.data.cache import read_arrays
from composegan.data.folder import FolderSource
from composegan.data.open import open_source
from composegan.errors import UserError
from composegan.evaluation.real import real_rows, real_set
from composegan.metrics.layout import LAYOUT
from composegan.metrics.rows import Describer, Setting


class Counting:
    """A describer of mean colours that counts the pictures it describes."""

    def __init__(self, key="colours", limit=None):
        self.seen = 0
        self.describer = Describer(self.describe, key, limit=limit)

    def describe(self, images, labels):
        self.seen += len(images)
        return images.float().mean(dim=(2, 3))


def statistics(real, counting=()):
    """Rows of the real set: "layout", and "colours" by a `Counting`."""
    layout = LAYOUT.open(Setting(3, 16, 16, torch.device("cpu")))
    return real_rows(real, {"layout": layout, **{other.describer.key: other.describer for other in counting}})


@pytest.fixture
def folder(shapes, tmp_path):
    """(domain, data settings) of a copy of the folder of shapes."""
    root = shapes[1].partition("=")[2]
    shutil.copytree(root, tmp_path / "data")
    data = DataConfig(root=str(tmp_path / "data"), height=16, width=16)
    return open_domain(shapes[0].partition("=")[2]), data


def open_real(folder, cache, most=100, **settings):
    plugin, data = folder
    data = replace(data, **settings)
    return real_set(open_source(plugin, data), data, 3, "shapes train", most, cache)


def test_real_rows_describe_the_images(folder):
    counting, real = Counting(), open_real(folder, None)
    found = statistics(real, [counting])
    assert found["layout"].shape == (7, 3) and found["colours"].shape == (7, 3) and counting.seen == 7
    samples = [real.source[number] for number in real.numbers]
    assert sorted(real.numbers) == list(range(7)) != list(real.numbers)
    expected = np.stack([sample.image.mean(axis=(1, 2)) for sample in samples])
    np.testing.assert_allclose(found["colours"], expected, rtol=1e-5)
    shares = [[(sample.labels == k).mean() for k in range(3)] for sample in samples]
    np.testing.assert_allclose(found["layout"], shares, rtol=1e-6)


def test_real_rows_are_cached(folder, tmp_path):
    first, second = Counting(), Counting()
    one = statistics(open_real(folder, tmp_path / "cache"), [first])
    two = statistics(open_real(folder, tmp_path / "cache"), [second])
    assert (first.seen, second.seen) == (7, 0)
    assert torch.equal(one["colours"], two["colours"])
    assert torch.equal(one["layout"], two["layout"])
    files = [path.name for path in (tmp_path / "cache").rglob("*.npz")]
    assert sorted(files) == ["colours.npz", "layout.npz"]
    other = Counting("another")
    statistics(open_real(folder, tmp_path / "cache"), [second, other])
    assert (second.seen, other.seen) == (0, 7)


def change_a_file(data):
    (path,) = Path(data.root, "images").glob("3.png")
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def take_a_file_away(data):
    for part in ("images", "labels"):
        Path(data.root, part, "3.png").unlink()


@pytest.mark.parametrize(
    "settings",
    [{"change": change_a_file}, {"change": take_a_file_away}, {"height": 8, "width": 8}, {"most": 5}, {"damage": True}],
    ids=["file", "fewer", "size", "count", "damaged"],
)
def test_real_rows_are_recomputed_when_the_set_changes(folder, tmp_path, settings):
    cache = tmp_path / "cache"
    statistics(open_real(folder, cache), [Counting()])
    settings.pop("change", lambda data: None)(folder[1])
    if settings.pop("damage", False):
        for path in cache.rglob("*.npz"):
            path.write_bytes(path.read_bytes()[:40])
    counting = Counting()
    statistics(open_real(folder, cache, **settings), [counting])
    assert counting.seen > 0
    again = Counting()
    statistics(open_real(folder, cache, **settings), [again])
    assert again.seen == 0


def claim_more(path):
    """A header that claims a terabyte."""
    np.savez(path, values=np.zeros((7, 3)))
    with zipfile.ZipFile(path) as parts:
        data = parts.read("values.npy").replace(b"(7, 3), }     ", b"(7, 99999999999), }")
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("values.npy", data)


HOSTILE = {
    "missing": lambda path: None,
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "objects": lambda path: np.savez(path, values=np.array([{"a": 1}], dtype=object)),
    "bomb": lambda path: np.savez_compressed(path, values=np.zeros(2**24)),
    "claims": claim_more,
    "npy": lambda path: np.save(path.open("wb"), np.zeros((7, 3))),
    "pickle": lambda path: path.write_bytes(pickle.dumps(os.getcwd)),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_read_arrays_refuses_what_is_no_cache(tmp_path, make):
    make(tmp_path / "cache.npz")
    assert read_arrays(tmp_path / "cache.npz") is None


@pytest.mark.parametrize(
    "arrays",
    [
        {}, {"values": np.array(["a"] * 7)}, {"values": np.zeros((7, 3), ">f4")}, {"values": np.zeros((), "<f4")},
        {"values": np.zeros((7, 3), np.longdouble)}, {"values": np.zeros(7, "V0")}, {"others": np.zeros((7, 3))},
    ],
)  # fmt: skip
def test_real_rows_ignore_a_cache_of_other_values(folder, tmp_path, arrays):
    real = open_real(folder, tmp_path / "cache")
    whole = statistics(real)["layout"]
    np.savez(real.folder / "layout.npz", **arrays)
    assert torch.equal(statistics(real)["layout"], whole)


def test_real_rows_stop_at_or_skip_an_unreadable_image(folder):
    Path(folder[1].root, "images", "3.png").write_bytes(b"nothing")
    with pytest.raises(UserError, match="3.png: "):
        statistics(open_real(folder, None), [])
    assert statistics(open_real(folder, None, on_error="skip"), [])["layout"].shape == (6, 3)


@pytest.fixture
def flaky(monkeypatch):
    """(numbers) -> a context in which these items of a folder raise disk errors; the files do not change."""

    @contextmanager
    def flaky(*numbers):
        get = FolderSource.__getitem__

        def fails(source, index):
            if index in numbers:
                raise OSError(5, "Input/output error")
            return get(source, index)

        with monkeypatch.context() as patch:
            patch.setattr(FolderSource, "__getitem__", fails)
            yield

    return flaky


def test_an_error_of_the_disk_stops_or_leaves_an_image_out(folder, flaky):
    with flaky(3):
        with pytest.raises(UserError, match="^item 3: cannot be read .Input/output error.$"):
            statistics(open_real(folder, None), [])
        assert statistics(open_real(folder, None, on_error="skip"), [])["layout"].shape == (6, 3)


def test_real_rows_of_a_part_are_not_cached(folder, flaky, tmp_path, caplog):
    cache = tmp_path / "cache"
    with flaky(3, 5):
        found = statistics(open_real(folder, cache, on_error="skip"), [Counting()])
    assert len(found["layout"]) == len(found["colours"]) == 5
    assert "5 of 7 images" in caplog.text and not list(cache.rglob("*.npz"))
    found = statistics(open_real(folder, cache, on_error="skip"), [Counting()])
    assert len(found["layout"]) == len(found["colours"]) == 7
    other = Counting("another")
    with flaky(3):  # the cache of the whole set stays
        found = statistics(open_real(folder, cache, on_error="skip"), [other])
    assert (len(found["layout"]), other.seen) == (7, 6)


def test_real_rows_ignore_a_cache_of_a_part(folder, tmp_path):
    real = open_real(folder, tmp_path / "cache", on_error="skip")
    whole = statistics(real, [])["layout"]
    np.savez(real.folder / "layout.npz", values=whole[:5].numpy())
    assert torch.equal(statistics(real, [])["layout"], whole)


def test_real_rows_without_any_readable_image_raise(folder, flaky, tmp_path):
    real = open_real(folder, tmp_path / "cache", on_error="skip")
    with flaky(*range(7)):
        for read in (lambda: statistics(real, []), lambda: list(real.batches(real.numbers[2:5]))):
            with pytest.raises(UserError, match="^none of the [37] images can be used; the first: item .: cannot be"):
                read()
    assert list(real.batches([])) == []


def test_real_rows_raise_when_the_disk_goes_away(folder, flaky, monkeypatch):
    monkeypatch.setattr(items, "IN_A_ROW", 3)
    real = open_real(folder, None, on_error="skip")
    with flaky(*real.numbers[4:]), pytest.raises(UserError, match="^none of 3 images in a row can be used; the first"):
        statistics(real, [])
    shutil.rmtree(folder[1].root)
    with pytest.raises(UserError, match="^none of 3 images in a row can be used; the first: .*png"):
        statistics(real_set(real.source, real.data, 3, "shapes train", 100, None), [])


def test_real_rows_of_limited_kind_read_twice_the_limit(folder):
    counting, real = Counting(limit=2), open_real(folder, None)
    assert len(real_rows(real, {"colours": counting.describer})["colours"]) == counting.seen == 4
    found = statistics(real, [counting])
    assert (len(found["layout"]), len(found["colours"])) == (7, 4)
