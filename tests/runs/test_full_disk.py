"""A full disk during a run: one line, exit status 2, and existing files are unchanged."""

import re
import shutil
from pathlib import Path

import pytest

from composegan.cli import main
from composegan.config.compose import load_config
from composegan.errors import UserError
from composegan.runs.recorder import RunRecorder
from tests.helpers import refused

ROOM = 100_000
"""Enough for everything that a small run writes but its checkpoints."""


def test_full_disk_ends_a_run_with_one_line(fit, resume, full_disk, whole_run, assert_same_run, as_before, capfd):
    run = fit("training.images=8")
    last = run / "checkpoints" / "last.pt"
    assert last.stat().st_size > 2 * ROOM
    saved = [*(run / "checkpoints").iterdir(), *(run / "model").iterdir()]
    before = [path.read_bytes() for path in saved]
    capfd.readouterr()
    with as_before(), full_disk(ROOM):
        assert main(["fit", f"run={run}", "training.images=24"]) == 2
    assert capfd.readouterr().err == (
        f"composegan: {last}: cannot be written (no space left on the disk); last.pt is unchanged; "
        f"fix this, then resume with: composegan fit run={run}\n"
    )
    assert {*(run / "checkpoints").iterdir(), *(run / "model").iterdir()} == set(saved)
    assert [path.read_bytes() for path in saved] == before
    assert_same_run(resume(run), whole_run)


def test_full_disk_keeps_the_configuration(fit, resume, full_disk, capsys):
    run = fit("training.images=2", "output.score_every=0")
    before = load_config(run / "config.yaml")
    with full_disk(1000), pytest.raises(UserError, match="config.yaml: cannot be written .no space left on the disk."):
        resume(run, "training.images=4")
    assert load_config(run / "config.yaml") == before


def test_unwritable_output_root(fit, tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(UserError, match=f"^{tmp_path}/runs/shapes/.*: cannot be written .Not a directory.$"):
        fit()


@pytest.mark.parametrize("part", ["samples", "model"])
def test_full_disk_names_the_file(fit, full_disk, monkeypatch, part):
    """As `part` is written there is no space."""
    write = {"samples": "_draw", "model": "save"}[part]
    written = getattr(RunRecorder, write)

    def on_a_full_disk(keeper, module, *rest, **settings):
        if module.images_seen == 4:
            monkeypatch.setattr("composegan.runs.checkpoint.save", lambda *state, best, instead: None)
            with full_disk(100):
                written(keeper, module, *rest, **settings)
        written(keeper, module, *rest, **settings)

    monkeypatch.setattr(RunRecorder, write, on_a_full_disk)
    line = refused(fit, "output.samples_every=2", "output.score_every=0")
    file = {"samples": "samples/000004.png", "model": "model/model.safetensors"}[part]
    assert f"{file}: cannot be written (no space left on the disk); " in line
    assert line.count("resume with: composegan fit run=") == 1


@pytest.mark.parametrize("fate", ["deleted", "moved", "emptied"])
@pytest.mark.parametrize("when", [2, 6])
def test_a_run_folder_that_disappears_stops_the_run(fit, at_step, runs, tmp_path, fate, when):
    """At the next line of metrics; nothing of the folder is written again."""

    def lose(step):
        (run,) = runs()
        if fate == "moved":
            run.rename(tmp_path / "elsewhere")
        else:
            shutil.rmtree(run)
        if fate == "emptied":
            run.mkdir()

    at_step(lose, before=when)
    line = refused(fit, "output.score_every=0")
    match = re.fullmatch(r"(.*): was deleted or moved; training stops at (\d+) images", line)
    assert match, line
    assert int(match[2]) == when + 2
    assert [*Path(match[1]).glob("*")] == []
