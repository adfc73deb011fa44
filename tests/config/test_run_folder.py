"""Find the newest run, and recognize run folders."""

import os

import pytest

from composegan.config.run_folder import newest_run, require_run
from composegan.errors import UserError


def make_run(folder, time):
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("seed: 0\n")
    os.utime(folder / "config.yaml", (time, time))
    return folder


def test_newest_run_of_any_domain(tmp_path):
    make_run(tmp_path / "faces" / "b", 1000)
    newest = make_run(tmp_path / "cars" / "a", 2000)
    make_run(tmp_path / "faces" / "c", 1500)
    (tmp_path / "faces" / "not-a-run").mkdir()
    assert newest_run(tmp_path) == newest
    assert require_run(newest) == newest


def test_newest_run_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no runs under .*say which with run=PATH"):
        newest_run(tmp_path / "nowhere")


def test_require_run_refuses_other_folders(tmp_path):
    with pytest.raises(UserError, match="there is no such folder"):
        require_run(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"is not a run \(it has no config.yaml\)"):
        require_run(tmp_path)
