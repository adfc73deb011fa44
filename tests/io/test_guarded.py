"""Files of unknown origin: special files, archive bombs and damage are rejected, in one line that names the file."""

from __future__ import annotations

import json
import os
import zipfile

import pytest

from composegan.errors import UserError
from composegan.io.guarded import UnreadableError, check_archive, check_file, read_json, read_text, reading


def test_read_text_follows_links_and_drops_bom(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffgrün".encode())
    (tmp_path / "link.txt").symlink_to("a.txt")
    check_file(tmp_path / "a.txt", 8)
    assert read_text(tmp_path / "link.txt") == "grün"


def test_read_text_rejects_special_and_large_files(tmp_path):
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


def test_check_archive_rejects_bombs(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("a.npy", bytes(2**25))
    with pytest.raises(UnreadableError, match="it would unpack to 34 MB, more than 17 MB"):
        check_archive(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("a.npy", bytes(2**20))
    check_archive(path)


def test_check_archive_rejects_wrong_checksum(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("a.npy", b"some numbers")
    path.write_bytes(path.read_bytes().replace(b"some", b"same"))
    with pytest.raises(UnreadableError, match="wrong checksum of a.npy"):
        check_archive(path)


def test_read_json_rejects_other_text(tmp_path):
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


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (FileNotFoundError(2, "No such file or directory"), "codes=x.npz: does not exist; draw some"),
        (PermissionError(13, "Permission denied"), "codes=x.npz: cannot be read (Permission denied); draw some"),
        (UnreadableError("it is too large"), "codes=x.npz: cannot be read (it is too large); draw some"),
        (KeyError("slots"), "codes=x.npz: is damaged or not a file of codes (no 'slots'); draw some"),
        (ValueError("odd\nand more"), "codes=x.npz: is damaged or not a file of codes (odd); draw some"),
        (UserError("x.npz: mine"), "x.npz: mine"),
    ],
)
def test_reading_names_file_and_remedy(error, line):
    with pytest.raises(UserError) as caught, reading("codes=x.npz", "a file of codes", "draw some"):
        raise error
    assert str(caught.value) == line


def test_reading_passes_interrupts():
    with pytest.raises(KeyboardInterrupt), reading("x"):
        raise KeyboardInterrupt
