import errno
import os

import pytest

from composegan.config.errors import UserError
from composegan.saving import whole_file, writing


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "new" / "file.png"
    with whole_file(path) as partial:
        partial.write_text("half")
        assert partial.suffix == ".png" and partial.parent == path.parent and not path.exists()
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_what_goes_wrong_leaves_the_old_one(tmp_path, fault):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(fault), whole_file(path) as partial:
        partial.write_text("new")
        raise fault
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path):
    path = tmp_path / "file"
    with whole_file(path) as partial:
        leftover = partial
        partial.write_text("first")
    leftover.write_text("left by a process that was killed")
    with whole_file(path) as partial:
        partial.write_text("second")
    assert path.read_text() == "second"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_one_line(tmp_path, number):
    path = tmp_path / "file"
    with pytest.raises(UserError) as caught, whole_file(path):
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == f"{path} could not be saved: no space left on the disk"
    path.touch()
    with pytest.raises(UserError, match="; file is what it was before$"), whole_file(path):
        raise OSError(number, os.strerror(number))


def test_a_folder_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as caught, whole_file(tmp_path / "file" / "inside"):
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
