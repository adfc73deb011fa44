"""What tests of runs share: data of their own, the images of each step, calls at a certain step, folders of runs."""

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


@pytest.fixture
def at_step(monkeypatch):
    """(function, before=images or after=images, patch): `function(step)` is called before the step that follows so many
    images seen, or after the step that ends at that position in the stream of images, every time it runs."""

    def at_step(function, *, before=None, after=None, patch=monkeypatch):
        run = TrainingStep.run

        def run_with_call(step, *given):
            if step.images_seen == before:
                function(step)
            run(step, *given)
            if step.position == after:
                function(step)

        patch.setattr(TrainingStep, "run", run_with_call)

    return at_step


@pytest.fixture
def runs(tmp_path):
    """() -> the folders of all runs of this test, oldest first."""
    return lambda: sorted((tmp_path / "runs" / "shapes").iterdir(), key=lambda run: run.stat().st_ctime_ns)
