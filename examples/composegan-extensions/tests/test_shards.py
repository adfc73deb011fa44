"""Shards that litdata's own writer wrote read back as what went in, from a disk and from elsewhere."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import pytest

from composegan.cli import main
from composegan.config.schema import DataConfig
from composegan.data import UserError, training_loader
from composegan.data.address import open_address
from composegan.plugin.entry_points import normalized
from composegan_extensions.shards import write_shards

pytest.importorskip("litdata", reason="the data source's own dependency, pip install '.[shards]'")


@pytest.fixture(scope="module")
def written(folder, tmp_path_factory):
    """ADDRESS of the twelve images in several shards; only to be read."""
    home = tmp_path_factory.mktemp("shards")
    write_shards(folder, str(home / "train"), shard="3KB")
    assert len(list((home / "train").glob("*.bin"))) > 2
    return home


def open_shards(address, spec, split="train"):
    return open_address(DataConfig(root=f"litdata://{address}", split=split), spec)


@pytest.fixture
def shards(written, tmp_path):
    """A copy, to be damaged."""
    return shutil.copytree(written, tmp_path / "shards")


def assert_same(source, folder, order):
    for index in order:
        one, other = source[index], folder[index]
        assert np.array_equal(one.image, other.image) and np.array_equal(one.labels, other.labels)
        assert other.name in one.name


def test_shards_hold_the_source_in_any_order(written, folder, spec):
    source = open_shards(written, spec)
    assert len(source) == 12
    assert_same(source, folder, [11, 0, 7, 7, *range(12)])
    assert_same(pickle.loads(pickle.dumps(source)), folder, [5, 2])
    with pytest.raises(IndexError):
        source.images[12]


def test_remote_shards_are_downloaded_one_by_one(written, folder, spec, tmp_path, monkeypatch):
    """litdata treats local: like s3://, with a folder instead of the cloud."""
    cache = tmp_path / "cache"
    monkeypatch.setattr("litdata.utilities.dataset_utilities.get_default_cache_dir", lambda: str(cache))
    source = open_shards(f"local:{written}", spec)
    assert not list(cache.rglob("*.bin"))
    assert_same(source, folder, [0])
    fetched = len(list(cache.rglob("*.bin")))
    assert 1 <= fetched < len(list(written.rglob("*.bin")))
    assert_same(source, folder, range(12))


def test_workers_read_the_same_as_one_process(written, spec):
    source = open_shards(written, spec)
    source[3]  # opened here before the workers are forked
    settings = {"classes": 3, "batch": 5, "height": 16, "width": 16, "seed": 1, "flip": True}
    here, there = (iter(training_loader(source, workers=workers, **settings)) for workers in (0, 2))
    for _ in range(6):
        one, other = next(here), next(there)
        assert all((one[name] == other[name]).all() for name in ("image", "labels", "position"))


def refused(spec, address, split="train"):
    with pytest.raises(UserError) as caught:
        open_shards(address, spec, split)[0]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_unreadable_shards_are_refused_in_one_line(shards, spec, tmp_path):
    assert "data.root=litdata:///" in refused(spec, "shards") and "write the whole path" in refused(spec, "shards")
    assert "no shards can be read there" in refused(spec, tmp_path / "nowhere")
    assert "no shards can be read there" in refused(spec, shards, "validation")
    for file in (shards / "train").glob("*.bin"):
        file.write_bytes(file.read_bytes()[:50] + b"\0" * (file.stat().st_size - 50))
    assert "item 0 cannot be read" in refused(spec, shards)


def test_index_with_pickled_items_is_refused(shards, spec):
    file = shards / "train" / "index.json"
    index = json.loads(file.read_text())
    index["config"]["data_format"] = ["bytes", "bytes", "pickle"]
    file.write_text(json.dumps(index))
    assert "its items are ['bytes', 'bytes', 'pickle'], not ['bytes', 'bytes', 'bytes']" in refused(spec, shards)


def test_run_from_shards_equals_run_from_files(written, shapes, tiny, tmp_path, capsys):
    runs = {}
    for name, root in (("files", shapes / "data"), ("shards", f"litdata://{written}")):
        settings = [f"domain={shapes / 'shapes.yaml'}", f"data.root={root}", *tiny, f"output.root={tmp_path / name}"]
        assert main(["fit", *settings]) == 0, capsys.readouterr().err
        (runs[name],) = (tmp_path / name / "shapes").iterdir()
    weights = [(run / "model" / "model.safetensors").read_bytes() for run in runs.values()]
    assert weights[0] == weights[1]
    used = json.loads((runs["shards"] / "plugins.json").read_text())["extensions"]
    (origin,) = used.values()
    assert list(used) == ["data source litdata"] and normalized(origin) == "composegan-extensions 0-1"
