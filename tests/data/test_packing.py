import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from composegan.data import PackedSource, UserError, fit_sample, pack, packing
from composegan.data.packed import is_packed
from composegan.plugin.domain import DomainSpec, SemanticClass
from composegan.plugins.faces import draw_avatars
from composegan.plugins.faces import spec as faces


@pytest.fixture
def packed(tmp_path, towns, spec):
    return pack(towns(5), tmp_path / "packed", spec, 16, 32, workers=0, about="towns")


def test_every_item_comes_back(packed, towns):
    assert len(packed) == 5 and packed.size == (16, 32)
    for index in range(5):
        expected, found = fit_sample(towns(5)[index], 16, 32), packed[index]
        assert (found.image == expected.image).all() and (found.labels == expected.labels).all()
        assert found.name.endswith(f": town {index}")


def test_a_batch_is_its_items(packed):
    images, labels = packed.read_batch(np.array([3, 0, 3]))
    assert images.shape == (3, 3, 16, 32) and labels.shape == (3, 16, 32)
    for place, index in enumerate((3, 0, 3)):
        assert (images[place] == packed[index].image).all() and (labels[place] == packed[index].labels).all()
    images[:] = 0  # a copy: the file is as it was
    assert packed[3].image.any()


def test_the_index_says_what_it_is(packed, spec):
    index = json.loads((packed.folder / "index.json").read_text())
    assert index["classes"] == list(spec.names) and index["vocabulary"] == spec.vocabulary
    assert (index["source"], index["split"], index["skipped"]) == ("towns", "train", [])


def test_it_pickles_without_its_pixels(packed):
    data = pickle.dumps(packed)
    assert len(data) < 2000
    assert (pickle.loads(data)[4].image == packed[4].image).all()


def test_chunks_and_processes_change_nothing(tmp_path, monkeypatch):
    source = draw_avatars(count=410, height=16, width=16, seed=3)
    pack(source, tmp_path / "two", faces, 16, 16, workers=2)
    monkeypatch.setattr(packing, "CHUNK_ITEMS", 37)
    pack(source, tmp_path / "one", faces, 16, 16, workers=1)
    for file in ("images.npy", "labels.npy", "index.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_first_bad_item_stops_it_and_nothing_is_left(tmp_path, towns, spec):
    with pytest.raises(UserError, match="town 3: is damaged"):
        pack(towns(9, bad=(3, 7)), tmp_path / "packed", spec, 8, 8, workers=0)
    assert list(tmp_path.iterdir()) == []


def test_bad_items_can_be_skipped(tmp_path, towns, spec, monkeypatch):
    monkeypatch.setattr(packing, "CHUNK_BYTES", 4 * 4 * 24 * 24)
    packed = pack(towns(9, bad=(0, 3, 7)), tmp_path / "packed", spec, 24, 24, workers=0, on_error="skip")
    assert packed.index.names == [f"town {index}" for index in (1, 2, 4, 5, 6, 8)]
    assert packed.index.skipped == [f"town {index}: is damaged" for index in (0, 3, 7)]
    for place, index in enumerate((1, 2, 4, 5, 6, 8)):
        assert (packed[place].image == towns(9)[index].image).all()
        assert (packed[place].labels == towns(9)[index].labels).all()
    assert sorted(file.name for file in packed.folder.iterdir()) == ["images.npy", "index.json", "labels.npy"]


def test_nothing_but_bad_items(tmp_path, towns, spec):
    with pytest.raises(UserError, match="none of the 2 images can be used; the first: town 0: is damaged"):
        pack(towns(2, bad=(0, 1)), tmp_path / "packed", spec, 8, 8, workers=0, on_error="skip")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_source(tmp_path, towns, spec):
    with pytest.raises(UserError, match="there is nothing to pack"):
        pack(towns(0), tmp_path / "packed", spec, 8, 8)


def test_what_is_there_is_not_overwritten(packed, towns, spec):
    before = (packed.folder / "images.npy").read_bytes()
    with pytest.raises(UserError, match="is already there"):
        pack(towns(2), packed.folder, spec, 8, 8, workers=0)
    assert (packed.folder / "images.npy").read_bytes() == before


def test_an_interrupt_leaves_nothing(tmp_path, towns, spec):
    class Interrupted(towns):
        def __getitem__(self, index):
            if index == 3:
                raise KeyboardInterrupt
            return super().__getitem__(index)

    with pytest.raises(KeyboardInterrupt):
        pack(Interrupted(5), tmp_path / "packed", spec, 8, 8, workers=0)
    assert list(tmp_path.iterdir()) == []
    assert len(pack(towns(5), tmp_path / "packed", spec, 8, 8, workers=0)) == 5


def test_a_disk_that_is_full_before_the_start(tmp_path, towns, spec, monkeypatch):
    usage = packing.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(packing.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match=r"packed: needs 0\.00 GB and the disk has 0\.00 GB free"):
        pack(towns(5), tmp_path / "packed", spec, 8, 8, workers=0)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_on_the_way(tmp_path, towns, spec):
    """The system lets a file grow to 4 kB only: the same error as a full disk, at the same place."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(UserError, match="packed: cannot be written .no space left on the disk"):
            pack(towns(5), tmp_path / "packed", spec, 24, 24, workers=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path, towns, spec):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file/packed: cannot be written"):
        pack(towns(1), tmp_path / "file" / "packed", spec, 8, 8, workers=0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path, towns, spec):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(UserError, match="far/packed: cannot be written"):
        pack(towns(1), tmp_path / "locked" / "far" / "packed", spec, 8, 8, workers=0)


def test_an_error_of_the_source_is_not_taken_for_one_of_the_disk(tmp_path, towns, spec):
    class Broken(towns):
        def __getitem__(self, index):
            raise ConnectionError("the network is gone")

    with pytest.raises(UserError, match=r"^item 0: cannot be read \(the network is gone\)$"):
        pack(Broken(1), tmp_path / "packed", spec, 8, 8, workers=0)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "index.json").unlink(),
        lambda folder: (folder / "index.json").write_text("{"),
        lambda folder: (folder / "index.json").write_text("[1]"),
        lambda folder: (folder / "index.json").write_text('{"format": 1}'),
        lambda folder: (folder / "images.npy").unlink(),
        lambda folder: (folder / "labels.npy").write_bytes(b""),
        lambda folder: (folder / "labels.npy").write_bytes(b"not an array"),
        lambda folder: os.truncate(folder / "images.npy", 2000),
        lambda folder: (folder / "labels.npy").write_bytes((folder / "images.npy").read_bytes()),
        lambda folder: np.save(folder / "labels.npy", np.zeros((5, 16, 32), np.int64)),
    ],
)
def test_a_damaged_folder_is_told_with_the_remedy(packed, damage):
    damage(packed.folder)
    assert is_packed(packed.folder)
    with pytest.raises(UserError, match=r"packed: is a damaged packed folder \(.*\); delete it and run"):
        PackedSource(packed.folder)


def test_another_format_version(packed):
    index = json.loads((packed.folder / "index.json").read_text())
    (packed.folder / "index.json").write_text(json.dumps({**index, "format": 7}))
    with pytest.raises(UserError, match=r"is in packed format 7, and this composegan reads 1"):
        PackedSource(packed.folder)


def test_it_is_checked_against_what_is_asked_for(packed, spec):
    packed.check(spec, "train", 16, 32)
    packed.check(spec, "train", 8, 16)
    other = DomainSpec("sea", (SemanticClass("water", (0, 0, 255)),))
    with pytest.raises(
        UserError, match=r"was packed for 4 classes of domain 'town' \(ground, house, tree, sun, \.\.\.\)"
    ):
        packed.check(other, "train", 16, 32)
    with pytest.raises(UserError, match="holds the split 'train', not 'validation'"):
        packed.check(spec, "validation", 16, 32)
    with pytest.raises(UserError, match="was packed at 16 x 32, and 32 x 64 is asked for"):
        packed.check(spec, "train", 32, 64)


PACK = """
import sys
from pathlib import Path
from composegan.data import pack
from composegan.plugins.faces import draw_avatars, spec
if __name__ == "__main__":
    print("ready", flush=True)
    pack(draw_avatars(100_000, 16, 16, 0), Path(sys.argv[1]), spec, 16, 16, workers=2)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes through /proc")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_the_one_that_started_them(tmp_path, ending):
    script = tmp_path / "script.py"
    script.write_text(PACK)
    parent = subprocess.Popen(
        [sys.executable, script, tmp_path / "packed"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert parent.stdout.readline() == b"ready\n"
        wait_for(lambda: list(tmp_path.glob(".partial-*.packed/images.npy")) and len(workers_of(parent)) == 2)
        workers = workers_of(parent)
        parent.send_signal(ending)
        parent.wait(120)
        wait_for(lambda: not any(is_worker(process) for process in workers))
    finally:
        parent.kill()
        parent.stdout.close()
    assert not (tmp_path / "packed").exists()
    assert ending == signal.SIGKILL or not list(tmp_path.glob(".partial-*"))


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return value


def workers_of(parent):
    listed = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    return [process for process in listed if is_worker(process)]


def is_worker(process):
    try:
        return "spawn_main" in Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return False
