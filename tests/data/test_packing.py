"""The packed form: what is written is read back, whatever the processes, and failures leave nothing behind."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
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


def test_packed_items_equal_fitted_samples(packed, towns, spec):
    assert len(packed) == 5 and packed.size == (16, 32)
    for index in range(5):
        expected, found = fit_sample(towns(5)[index], 16, 32), packed[index]
        assert (found.image == expected.image).all() and (found.labels == expected.labels).all()
        assert found.name.endswith(f": town {index}")
    index = json.loads((packed.folder / "index.json").read_text())
    assert index["classes"] == list(spec.names) and index["vocabulary"] == spec.vocabulary
    assert (index["source"], index["split"], index["skipped"]) == ("towns", "train", [])


def test_read_batch_copies_items(packed):
    images, labels = packed.read_batch(np.array([3, 0, 3]))
    assert images.shape == (3, 3, 16, 32) and labels.shape == (3, 16, 32)
    for place, index in enumerate((3, 0, 3)):
        assert (images[place] == packed[index].image).all() and (labels[place] == packed[index].labels).all()
    images[:] = 0
    assert packed[3].image.any()


def test_packed_source_pickles_without_pixels(packed):
    data = pickle.dumps(packed)
    assert len(data) < 2000
    assert (pickle.loads(data)[4].image == packed[4].image).all()


def test_files_do_not_depend_on_chunks_or_processes(tmp_path, monkeypatch):
    source = draw_avatars(count=410, height=16, width=16, seed=3)
    pack(source, tmp_path / "two", faces, 16, 16, workers=2)
    monkeypatch.setattr(packing, "CHUNK_ITEMS", 37)
    pack(source, tmp_path / "one", faces, 16, 16, workers=1)
    for file in ("images.npy", "labels.npy"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    one, two = (PackedSource(tmp_path / name).index for name in ("one", "two"))
    assert replace(one, id="") == replace(two, id="") and one.id != two.id


def test_bad_items_can_be_skipped(tmp_path, towns, spec, monkeypatch):
    monkeypatch.setattr(packing, "CHUNK_BYTES", 4 * 4 * 24 * 24)
    packed = pack(towns(9, bad=(0, 3, 7)), tmp_path / "packed", spec, 24, 24, workers=0, on_error="skip")
    assert packed.index.names == [f"town {index}" for index in (1, 2, 4, 5, 6, 8)]
    assert packed.index.skipped == [f"town {index}: is damaged" for index in (0, 3, 7)]
    for place, index in enumerate((1, 2, 4, 5, 6, 8)):
        assert (packed[place].image == towns(9)[index].image).all()
        assert (packed[place].labels == towns(9)[index].labels).all()
    assert sorted(file.name for file in packed.folder.iterdir()) == ["images.npy", "index.json", "labels.npy"]


def failing(towns, error):
    class Failing(towns):
        def __getitem__(self, index):
            if index == 3:
                raise error
            return super().__getitem__(index)

    return Failing(5)


def test_failure_leaves_nothing(tmp_path, towns, spec):
    gone, stop = ConnectionError("the network is gone"), KeyboardInterrupt()
    for source, error, reason, on_error in (
        (towns(9, bad=(3, 7)), UserError, "town 3: is damaged", "stop"),
        (towns(2, bad=(0, 1)), UserError, "none of the 2 images can be used; the first: town 0: is damaged", "skip"),
        (towns(0), UserError, "there is nothing to pack", "stop"),
        (failing(towns, gone), UserError, r"^item 3: cannot be read \(the network is gone\)$", "stop"),
        (failing(towns, stop), KeyboardInterrupt, "^$", "stop"),
    ):
        with pytest.raises(error, match=reason):
            pack(source, tmp_path / "packed", spec, 8, 8, workers=0, on_error=on_error)
        assert list(tmp_path.iterdir()) == []
    assert len(pack(towns(5), tmp_path / "packed", spec, 8, 8, workers=0)) == 5


def test_existing_folder_is_not_overwritten(packed, towns, spec):
    before = (packed.folder / "images.npy").read_bytes()
    with pytest.raises(UserError, match="already exists"):
        pack(towns(2), packed.folder, spec, 8, 8, workers=0)
    assert (packed.folder / "images.npy").read_bytes() == before


def test_full_disk_is_noticed_before_and_while_writing(tmp_path, towns, spec, monkeypatch, full_disk):
    with full_disk(4096), pytest.raises(UserError, match="packed: cannot be written .no space left on the disk"):
        pack(towns(5), tmp_path / "packed", spec, 24, 24, workers=0)
    usage = packing.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(packing.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match=r"packed: needs 0\.00 GB and the disk has 0\.00 GB free"):
        pack(towns(5), tmp_path / "packed", spec, 8, 8, workers=0)
    assert list(tmp_path.iterdir()) == []


def test_unwritable_parent_is_one_line(tmp_path, towns, spec):
    (tmp_path / "file").touch()
    (tmp_path / "locked").mkdir(mode=0o500)
    for parent in ["file"] + ["locked/far"] * (os.geteuid() != 0):  # root may write anywhere
        with pytest.raises(UserError, match=f"{parent}/packed: cannot be written"):
            pack(towns(1), tmp_path / parent / "packed", spec, 8, 8, workers=0)


@pytest.mark.parametrize("file", ["index.json", "images.npy", "labels.npy"])
@pytest.mark.parametrize("seed", range(6))
def test_damaged_folder_raises_user_error_with_remedy(packed, file, seed):
    path, draws = packed.folder / file, np.random.default_rng(seed)
    data, other = path.read_bytes(), packed.folder / ("images.npy" if file == "labels.npy" else "labels.npy")
    damages = (b"", data[: int(draws.integers(1, len(data)))], b"not an array", other.read_bytes(), b'{"format": 1}')
    path.unlink() if seed == len(damages) else path.write_bytes(damages[seed])
    assert is_packed(packed.folder)
    with pytest.raises(UserError) as caught:
        PackedSource(packed.folder)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and line.endswith("; delete the folder and run the same command again")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 7}, "is in packed format 7, and this composegan reads 1"),
        ({"height": 0}, "it has 5 images of 0 x 32"),
        ({"names": []}, "it has 0 images of 16 x 32"),
        ({"classes": "ground"}, "classes is 'ground'; a list is needed"),
        ({"skipped": [3]}, r"skipped\[0\] is 3; text is needed"),
    ],
)
def test_index_with_wrong_values_is_rejected(packed, change, reason):
    index = json.loads((packed.folder / "index.json").read_text())
    (packed.folder / "index.json").write_text(json.dumps({**index, **change}))
    with pytest.raises(UserError, match=reason):
        PackedSource(packed.folder)


def test_check_compares_vocabulary_split_and_size(packed, spec):
    packed.check(spec, "train", 16, 32)
    packed.check(spec, "train", 8, 16)
    other = DomainSpec("sea", (SemanticClass("water", (0, 0, 255)),))
    for arguments, reason in (
        ((other, "train", 16, 32), r"was packed for 4 classes of domain 'town' \(ground, house, tree, sun, \.\.\.\)"),
        ((spec, "validation", 16, 32), "holds the split 'train', not 'validation'"),
        ((spec, "train", 32, 64), "was packed at 16 x 32, smaller than 32 x 64"),
    ):
        with pytest.raises(UserError, match=reason):
            packed.check(*arguments)


PACK = """
import sys
from dataclasses import replace
from pathlib import Path
from composegan.data import pack
from composegan.plugins.faces import draw_avatars, spec
if __name__ == "__main__":
    print("ready", flush=True)
    pack(draw_avatars(100_000, 16, 16, 0), Path(sys.argv[1]), spec, 16, 16, workers=2)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes through /proc")
@pytest.mark.parametrize("ending", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_workers_end_with_their_parent(tmp_path, ending):
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
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def workers_of(parent):
    listed = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    return [process for process in listed if is_worker(process)]


def is_worker(process):
    try:
        return "spawn_main" in Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return False


@pytest.mark.slow
def test_unguarded_script_packs_with_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom composegan.data import pack\n"
        "from composegan.plugins.faces import draw_avatars, spec\n"
        "pack(draw_avatars(400, 16, 16, seed=0), Path(sys.argv[1]), spec, height=16, width=16, workers=2)\n"
        "print('packed once')\n"
    )
    command = [sys.executable, script, tmp_path / "packed"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (0, "packed once\n"), done.stderr


def test_folder_that_another_process_wrote_meanwhile_raises(tmp_path, towns, spec):
    """As two `prepare` into one folder: one of them is lost, and says so."""

    class Other(towns):
        def __getitem__(self, index):
            if not (tmp_path / "packed").exists():
                pack(towns(2), tmp_path / "packed", spec, 16, 16, workers=0)
            return super().__getitem__(index)

    with pytest.raises(UserError, match="packed: another process has just written it; choose another folder"):
        pack(Other(3), tmp_path / "packed", spec, 16, 16, workers=0)
    assert [file.name for file in tmp_path.iterdir()] == ["packed"] and len(PackedSource(tmp_path / "packed")) == 2
    (tmp_path / "packed").rename(tmp_path / "first")
    assert len(pack(Other(3), tmp_path / "packed", spec, 16, 16, workers=0, shared=True)) == 2
