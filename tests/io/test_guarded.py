"""What is looked at before a file is read: what never ends, and what unpacks to more than there is memory."""

from __future__ import annotations

import json
import os
import zipfile

import pytest

from composegan.io.guarded import UnreadableError, check_archive, check_file, check_saved, read_json, read_text


def test_a_plain_file_and_a_link_to_one_are_read(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffgrün".encode())
    (tmp_path / "link.txt").symlink_to("a.txt")
    check_file(tmp_path / "a.txt", 8)
    assert read_text(tmp_path / "link.txt") == "grün"


def test_pipes_devices_folders_and_large_files_are_not(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 10**9)
    for name, said in (
        ("pipe", "it is a pipe or a device, not a file"),
        ("endless", "it is a pipe or a device, not a file"),
        ("sparse", "it has 1,000 MB, more than the limit of 1 MB"),
    ):
        with pytest.raises(UnreadableError) as caught:
            read_text(tmp_path / name)
        assert str(caught.value) == said
    with pytest.raises(IsADirectoryError):
        read_text(tmp_path)
    with pytest.raises(FileNotFoundError):
        check_file(tmp_path / "none")


def test_an_archive_that_unpacks_to_much_more_than_it_is(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("a.npy", bytes(2**25))
    with pytest.raises(UnreadableError, match="it would unpack to 34 MB, more than 17 MB"):
        check_archive(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("a.npy", bytes(2**20))
    check_saved(path)


def test_an_archive_with_a_wrong_checksum(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("a.npy", b"some numbers")
    path.write_bytes(path.read_bytes().replace(b"some", b"same"))
    with pytest.raises(UnreadableError, match="wrong checksum of a.npy"):
        check_saved(path)


def test_json(tmp_path):
    path = tmp_path / "x.json"
    for content, said in (
        ("[" * 100_000, "it is nested too deeply"),
        ("{", "it is not JSON"),
        ("9" * 5000, "it is not JSON"),
    ):
        path.write_text(content)
        with pytest.raises(UnreadableError, match=said):
            read_json(path)
    path.write_bytes(b"[\xff]")
    with pytest.raises(UnreadableError, match=r"it is not UTF-8 text \(byte 1\)"):
        read_json(path)
    path.write_text(json.dumps({"a": [1, None]}))
    assert read_json(path) == {"a": [1, None]}
