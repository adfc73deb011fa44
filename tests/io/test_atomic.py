import errno
import multiprocessing
import os
import stat
import time
from contextlib import nullcontext

import pytest

from composegan.errors import UserError
from composegan.io import atomic as saving
from composegan.io.atomic import atomic_file, exclusive_lock, writing


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "new" / "file.png"
    with atomic_file(path) as partial:
        partial.write_text("half")
        assert partial.suffix == ".png" and partial.parent == path.parent and not path.exists()
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_what_goes_wrong_leaves_the_old_one(tmp_path, fault):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(fault), atomic_file(path) as partial:
        partial.write_text("new")
        raise fault
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed(tmp_path):
    path, other = tmp_path / "file[1].png", tmp_path / ".partial-0.file1.png"
    other.write_text("of another file")
    with atomic_file(path) as partial:
        leftover = partial
        partial.write_text("first")
    leftover.write_text("left by a process that was killed")
    with atomic_file(path) as partial:
        partial.write_text("second")
        assert not leftover.exists()
    assert path.read_text() == "second"
    assert sorted(tmp_path.iterdir()) == [other, path]


def test_processes_that_write_the_same_file_are_not_in_each_others_way(tmp_path):
    """As ranks do that share a cache: each works in a file of its own, which the others leave alone."""
    path = tmp_path / "file"
    with atomic_file(path) as one, atomic_file(path) as other:
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"  # which ended last
    assert list(tmp_path.iterdir()) == [path]


def _write_often(path, content):
    for _ in range(100):
        with atomic_file(path) as partial:
            partial.write_bytes(content)


def test_many_processes_write_at_once(tmp_path):
    path, contents = tmp_path / "file", [bytes([n]) * 100_000 for n in range(3)]
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write_often, args=(path, content)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert path.read_bytes() in contents and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="no way to tell what is flushed")
def test_the_file_is_flushed_before_it_has_its_name_and_the_folder_after(tmp_path, moves):
    """Else a power cut might leave the new name with nothing in it, or take the name back."""
    path = tmp_path.resolve() / "file"
    with atomic_file(path) as partial:
        partial.write_text("new")
    assert [move[:2] for move in moves] == [("flush", str(partial)), ("rename", str(path)), ("flush", str(path.parent))]
    assert moves[0][2] == moves[1][2] == 3


@pytest.mark.skipif(os.name != "posix", reason="folders are not flushed")
@pytest.mark.parametrize(("number", "told"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)])
def test_where_folders_cannot_be_flushed_names_are_the_systems_matter(tmp_path, monkeypatch, number, told):
    flush = os.fsync

    def only_files(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        flush(handle)

    monkeypatch.setattr(os, "fsync", only_files)
    path = tmp_path / "file"
    with pytest.raises(UserError, match="Input/output error$") if told else nullcontext(), atomic_file(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_one_line(tmp_path, number):
    path = tmp_path / "file"
    with pytest.raises(UserError) as caught, atomic_file(path):
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == f"{path} could not be saved: no space left on the disk"
    path.touch()
    with pytest.raises(UserError, match="; file is what it was before$"), atomic_file(path):
        raise OSError(number, os.strerror(number))


def _hold(folder, seconds, ready):
    with exclusive_lock(folder):
        ready.set()
        time.sleep(seconds)


@pytest.mark.parametrize(("seconds", "patience"), [(0.5, 20.0), (20.0, 0.2)])
def test_a_folder_is_for_one_process_at_a_time(tmp_path, monkeypatch, seconds, patience):
    """One that was killed may need a moment to go."""
    monkeypatch.setattr(saving, "LEAVING", patience)
    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    other = fork.Process(target=_hold, args=(tmp_path, seconds, ready))
    other.start()
    assert ready.wait(20)
    refused = (
        pytest.raises(UserError, match="another process is at work in it") if seconds > patience else nullcontext()
    )
    with refused, exclusive_lock(tmp_path):
        pass
    other.kill()
    other.join()
    with exclusive_lock(tmp_path):  # its lock went with it
        pass


def test_what_goes_wrong_alone_is_not_hidden(tmp_path):
    with pytest.raises(OSError, match="mine"), exclusive_lock(tmp_path):
        raise OSError("mine")
    (tmp_path / ".lock").unlink()
    (tmp_path / ".lock").mkdir()  # as good as no locks
    with exclusive_lock(tmp_path):
        pass


def test_a_folder_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as caught, atomic_file(tmp_path / "file" / "inside"):
        pass
    assert str(caught.value) == f"{tmp_path / 'file' / 'inside'} could not be saved: Not a directory"


def test_the_systems_error_is_found_behind_another(tmp_path):
    with pytest.raises(UserError, match="no space left on the disk; mend it$"), writing(tmp_path, "mend it"):
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            raise RuntimeError("unexpected pos 576 vs 534")


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(UserError, match="^told already$"), writing(tmp_path):
        raise UserError("told already")
    with pytest.raises(RuntimeError, match="ours"), writing(tmp_path):
        raise RuntimeError("ours")
