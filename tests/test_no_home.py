"""A user without a home folder and without a name, as in many containers."""

from __future__ import annotations

import json

import pytest

NOBODY = """
import os, pwd, tempfile
def unknown(*given):
    raise KeyError(given)
pwd.getpwuid = pwd.getpwnam = unknown
for name in ("HOME", "USER", "LOGNAME", "USERNAME", "LNAME", "COMPOSEGAN_CACHE", "XDG_CACHE_HOME"):
    os.environ.pop(name, None)
"""


def test_fit_and_evaluate_work_without_a_home_folder(command, tiny, shapes, tmp_path):
    settings = [*shapes, "recipe=quick", *tiny, "training.images=4", "training.class_sets=data", "trainer.compile=off"]
    status, _, err = command("fit", *settings, f"output.root={tmp_path / 'runs'}", patch=NOBODY)
    assert status == 0, err
    (run,) = (tmp_path / "runs" / "shapes").iterdir()
    status, _, err = command("evaluate", f"run={run}", "n=4", "metrics=FSD", f"out={tmp_path / 'out'}", patch=NOBODY)
    assert status == 0, err
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["figures"][0]["name"] == "FSD"
    assert "Traceback" not in err and not (tmp_path / "~").exists()


@pytest.mark.parametrize(
    "line",
    ["sample run=~/x", "fit run=~/x", "evaluate model=~", "fit domain=faces data.root=~/x", "domains plugin_path=~/x"],
)
def test_a_path_in_the_home_folder_is_refused(command, line):
    status, out, err = command(*line.split(), patch=NOBODY)
    (said,) = [each for each in err.splitlines() if each.startswith("composegan: ")]
    assert (status, out) == (2, "")
    assert said.endswith("this user has no home folder; give the path in full, or set HOME")
