"""Runs whose data may be damaged or taken away, and the images that a run is trained on."""

import shutil

import pytest

from composegan.training.step import TrainingStep


@pytest.fixture
def mount(tmp_path, shapes):
    """A folder of data of this test's own."""
    return shutil.copytree(shapes[1].removeprefix("data.root="), tmp_path / "mount")


@pytest.fixture
def positions(monkeypatch):
    """The positions in the stream of images of each step from here on."""
    noted, run_step = [], TrainingStep.run

    def run(step, batch, *rest):
        noted.append(batch["position"].tolist())
        run_step(step, batch, *rest)

    monkeypatch.setattr(TrainingStep, "run", run)
    return noted
