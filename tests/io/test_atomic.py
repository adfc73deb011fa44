"""Files and folders that appear complete or not at all; both forms share one test wherever they share a property."""

from __future__ import annotations

import errno
import multiprocessing
import os

import pytest

from composegan.errors import UserError
from composegan.io.atomic import atomic_file, atomic_folder, writing
from composegan.io.lock import try_lock

both = pytest.mark.parametrize("atomic", [atomic_file, atomic_folder])


def put(path, content):
    """Write `content` into an atomic file, or into a file of an atomic folder."""
    (path / "inside" if path.is_dir() else path).write_text(content)


def content_of(path):
    return (path / "inside" if path.is_dir() else path).read_text()


@both
def test_target_appears_complete(atomic, tmp_path):
    target = tmp_path / "new" / "target.png"
    with atomic(target) as temporary:
        put(temporary, "complete")
        assert temporary.suffix == ".png" and temporary.parent == target.parent and not target.exists()
    assert content_of(target) == "complete" and list(target.parent.iterdir()) == [target]


@both
@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_failed_block_leaves_nothing(atomic, tmp_path, fault):
    with pytest.raises(fault), atomic(tmp_path / "target") as temporary:
        put(temporary, "half")
        raise fault
    assert list(tmp_path.iterdir()) == []


def test_failed_block_keeps_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ValueError), atomic_file(path) as temporary:
        temporary.write_text("new")
        raise ValueError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@both
def test_leftovers_of_killed_process_are_removed(atomic, tmp_path):
    target, leftovers, other = tmp_path / "target[1]", [], tmp_path / ".partial-0.target1"
    other.write_text("of another target")
    for kind in ("touch", "mkdir"):
        leftovers.append(tmp_path / f".partial-{kind}.target[1]")
        getattr(leftovers[-1], kind)()
    with atomic(target) as temporary:
        put(temporary, "new")
        assert not any(path.exists() for path in leftovers)
    assert content_of(target) == "new" and sorted(tmp_path.iterdir()) == [other, target]


@both
def test_concurrent_writers_keep_their_temporaries(atomic, tmp_path):
    target = tmp_path / "target"
    with atomic(target) as one, atomic(target) as two:
        put(one, "one")
        put(two, "two")
    # The last writer replaces a file; a folder that is already complete stays.
    assert content_of(target) == ("one" if target.is_file() else "two")
    assert list(tmp_path.iterdir()) == [target]


def _write_often(path, content):
    for _ in range(100):
        with atomic_file(path) as temporary:
            temporary.write_bytes(content)


def test_many_processes_write_one_file(tmp_path):
    path, contents = tmp_path / "file", [bytes([n]) * 100_000 for n in range(3)]
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write_often, args=(path, content)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert path.read_bytes() in contents and list(tmp_path.iterdir()) == [path]


@both
def test_temporary_removed_before_it_was_locked_is_created_again(atomic, tmp_path, monkeypatch):
    same = os.path.samestat

    def removed(*status):
        monkeypatch.setattr(os.path, "samestat", same)
        (new,) = tmp_path.iterdir()
        new.rmdir() if new.is_dir() else new.unlink()
        return False

    monkeypatch.setattr(os.path, "samestat", removed)
    with atomic(tmp_path / "target") as temporary:
        put(temporary, "mine")
    assert content_of(tmp_path / "target") == "mine"


@both
def test_temporary_that_another_process_holds_is_left_to_it(atomic, tmp_path, monkeypatch):
    """That process took it for a leftover and is about to remove it, however long that takes."""
    pytest.importorskip("fcntl")
    names = iter(["taken", "free"])
    monkeypatch.setattr("composegan.io.atomic.secrets.token_hex", lambda size: next(names))
    taken = tmp_path / ".partial-taken.target"
    taken.mkdir() if atomic is atomic_folder else taken.touch()
    with try_lock(taken), atomic(tmp_path / "target") as temporary:
        put(temporary, "mine")
        taken.rmdir() if taken.is_dir() else taken.unlink()
        assert temporary.name == ".partial-free.target"
    assert content_of(tmp_path / "target") == "mine"


@both
def test_without_locks_nothing_counts_as_leftover(atomic, tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def none(*arguments):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))  # as on a network file system

    monkeypatch.setattr(fcntl, "flock", none)
    (tmp_path / ".partial-0.target").mkdir()
    with atomic(tmp_path / "target") as temporary:
        put(temporary, "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".partial-0.target", "target"]


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="no way to tell what is flushed")
@both
def test_content_is_flushed_before_rename_and_name_after(atomic, tmp_path, moves):
    """A power cut would otherwise leave the new name with zeros behind it, or take the name back."""
    target = tmp_path.resolve() / "target"
    with atomic(target) as temporary:
        put(temporary, "new")
        flushed = {str(temporary), *map(str, temporary.rglob("*"))}
    done = [move[:2] for move in moves]
    assert set(done[:-2]) == {("flush", path) for path in flushed}
    assert done[-2:] == [("rename", str(target)), ("flush", str(tmp_path.resolve()))]
    assert atomic is atomic_folder or moves[0][2] == moves[1][2] == 3


@pytest.mark.skipif(os.name != "posix", reason="folders are not flushed")
@both
@pytest.mark.parametrize("name", ["fsync", "open"])
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EIO, errno.EPERM, errno.EACCES,
                                    errno.ENOENT, errno.EAGAIN, errno.ENOSYS])  # fmt: skip
def test_folder_that_cannot_be_flushed_is_no_error(atomic, tmp_path, monkeypatch, name, number):
    whole = getattr(os, name)

    def only_files(what, *more, **named):
        if os.path.isdir(what if name == "open" else f"/proc/self/fd/{what}"):
            raise OSError(number, os.strerror(number))
        return whole(what, *more, **named)

    monkeypatch.setattr(os, name, only_files)
    with atomic(tmp_path / "target") as temporary:
        put(temporary, "new")
    assert content_of(tmp_path / "target") == "new" and len(list(tmp_path.iterdir())) == 1


def test_file_that_cannot_be_flushed_is_an_error(tmp_path, monkeypatch):
    def fail(handle):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match=r"\(Input/output error\)"), atomic_file(tmp_path / "target") as temporary:
        put(temporary, "new")
    assert list(tmp_path.iterdir()) == []


@both
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_full_disk_is_one_line(atomic, tmp_path, number):
    with pytest.raises(UserError) as caught, atomic(tmp_path / "target"):
        raise OSError(number, os.strerror(number))
    assert str(caught.value).startswith(f"{tmp_path / 'target'}: cannot be written (no space left on the disk)")
    if atomic is atomic_file:
        (tmp_path / "target").touch()
        with pytest.raises(UserError, match="; target is unchanged$"), atomic_file(tmp_path / "target"):
            raise OSError(number, os.strerror(number))


@both
def test_impossible_parent_is_one_line(atomic, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as caught, atomic(tmp_path / "file" / "inside"):
        pass
    assert str(caught.value).startswith(f"{tmp_path / 'file' / 'inside'}: cannot be written (Not a directory)")


def test_unrelated_error_passes_through_atomic_folder(tmp_path):
    with pytest.raises(ConnectionError), atomic_folder(tmp_path / "target"):
        raise ConnectionError
    assert list(tmp_path.iterdir()) == []


def test_writing_finds_system_error_behind_another(tmp_path):
    with pytest.raises(UserError, match=r"\(no space left on the disk\); fix it$"), writing(tmp_path, "fix it"):
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            raise RuntimeError("unexpected pos 576 vs 534")


@pytest.mark.parametrize("error", [UserError("mine"), RuntimeError("mine")])
def test_writing_passes_other_errors(tmp_path, error):
    with pytest.raises(type(error), match="^mine$"), writing(tmp_path):
        raise error
