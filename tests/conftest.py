"""Shared fixtures: a domain of three classes in a folder, and training runs that take a second."""

import csv
import gc
import logging
import os
import shutil
import signal
import sys
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tensors are so small that more threads are slower

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# A shell starts background jobs with SIGINT ignored, and all processes started here would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):  # nohup ignores it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# No test cuts the power, and a run flushes seventy times; the fixture `moves` shows what is flushed and when.
os.fsync = lambda handle: None

pytest_plugins = ["tests.processes"]

SHAPES = """
classes:
  - {name: ground, color: [10, 10, 10]}
  - {name: ball, color: [200, 40, 40]}
  - {name: glass, color: [40, 40, 200], transparent: true}
"""
COLORS = np.array([[10, 10, 10], [200, 40, 40], [40, 40, 200]])

TINY = """
data.height=16 data.width=16 data.workers=0 data.flip=true trainer.accelerator=cpu trainer.threads=1
model.latent_channels=16 model.mapping_layers=2 model.local_layers=3 model.base_layers=1 model.depth_layers=2
model.local_channels=8 model.coarse_channels=8 model.coarse_size=8 model.min_feat_size=4 model.max_channels=8
model.discriminator_max_channels=8 training.batch=2 training.images=24 training.r1_every=2 training.path_every=2
training.mixing=0.5 training.augment=0.5 model.noise=true
output.samples=2 output.log_every=2 output.samples_every=8 output.checkpoint_every=4
output.score_every=8 output.score_samples=4 output.metrics=sliced_wasserstein
"""
"""Every phase within two steps, every kind of random draw, and every file of a run within four steps."""


@contextmanager
def process_as_before():
    """Restore at the end what `fit` sets for the whole process."""
    import torch

    threads, backends = torch.get_num_threads(), torch.backends.cudnn.benchmark
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    try:
        with warnings.catch_warnings():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
        torch.use_deterministic_algorithms(deterministic[0], warn_only=deterministic[1])
        torch.backends.cudnn.benchmark = backends
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@pytest.fixture(scope="session")
def as_before():
    """A context that restores the process-wide settings that training changes."""
    return process_as_before


@pytest.fixture(scope="session")
def tiny():
    """Settings for a run of twelve steps on the folder `shapes`."""
    return TINY.split()


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    """`domain=` and `data.root=` of a domain file and seven labelled images in the plain layout."""
    home = tmp_path_factory.mktemp("shapes")
    (home / "shapes.yaml").write_text(SHAPES)
    for part in ("images", "labels"):
        (home / "data" / part).mkdir(parents=True)
    for index in range(7):
        draws = np.random.default_rng(index)
        labels = draws.integers(0, 3, (4, 4), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
        image = (COLORS[labels] + draws.integers(-9, 10, (16, 16, 3))).clip(0, 255).astype(np.uint8)
        Image.fromarray(image).save(home / "data" / "images" / f"{index}.png")
        Image.fromarray(labels).save(home / "data" / "labels" / f"{index}.png")
    return [f"domain={home / 'shapes.yaml'}", f"data.root={home / 'data'}"]


@pytest.fixture(scope="session")
def recipe(shapes, tiny):
    """The arguments of a run of twelve steps on the folder `shapes`."""
    return [*shapes, "recipe=quick", *tiny]


@pytest.fixture(scope="session")
def fit_in(recipe):
    """(folder, settings...) -> the folder of a finished new run there."""

    def fit_in(folder, *settings):
        from composegan.config.compose import compose
        from composegan.runs.fit import fit

        with process_as_before():
            return fit(compose([*recipe, f"output.root={folder}", *settings]))

    return fit_in


@pytest.fixture
def fit(fit_in, tmp_path):
    """(settings...) -> the folder of a finished new run."""
    return lambda *settings: fit_in(tmp_path / "runs", *settings)


@pytest.fixture(scope="session")
def resume():
    """(run folder, settings...) -> the run folder, resumed and finished."""

    def resume(run, *settings):
        from composegan.runs.fit import resume

        with process_as_before():
            return resume(run, list(settings))

    return resume


def difference(one, other, where=""):
    """The path at which two nested values first differ, comparing tensors bit for bit; None if they are equal."""
    import torch

    if isinstance(one, torch.Tensor):
        same = isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
        return None if same else where
    if isinstance(one, dict | list | tuple):
        if type(one) is not type(other) or len(one) != len(other):
            return where
        keys = list(one) if isinstance(one, dict) else range(len(one))
        if isinstance(one, dict) and keys != list(other):
            return where
        found = (difference(one[key], other[key], f"{where}/{key}") for key in keys)
        return next((place for place in found if place is not None), None)
    return None if one == other else where


@pytest.fixture(scope="session")
def state_of():
    """(run) -> everything in its last checkpoint that determines how it continues."""

    def state_of(run):
        import torch

        state = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
        passing = ("early", "shown", "data")  # about the file and the data, not about the run
        return {key: value for key, value in state.items() if key not in passing}

    return state_of


@pytest.fixture(scope="session")
def figures_of():
    """(run) -> the rows of its metrics.csv, asserted to be unique and in order."""

    def figures_of(run):
        with (run / "metrics.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        seen = [int(row["images_seen"]) for row in rows]
        assert seen == sorted(set(seen)) and seen
        return rows

    return figures_of


@pytest.fixture(scope="session")
def assert_same_run(state_of, figures_of):
    """(run, other, extended=False): the same checkpoint, bit for bit, the same model, groups and figures.

    extended: `run` was once finished with fewer images, and was scored then; only scores may differ.
    """

    def assert_same_run(run, other, extended=False):
        states, figures = ([load(each) for each in (run, other)] for load in (state_of, figures_of))
        for state in states * extended:
            state.pop("best", None)
        assert difference(*states) is None
        for name in ("grouping.jsonl", "model/model.safetensors"):
            assert (run / name).read_bytes() == (other / name).read_bytes(), name
        for row in figures[0] + figures[1]:
            for name in [name for name in row if name == "images_per_second" or (extended and "score/" in name)]:
                del row[name]
        assert figures[0] == figures[1]

    return assert_same_run


@pytest.fixture(scope="session")
def whole_run(fit_in, tmp_path_factory):
    """An uninterrupted run of 24 images. Read-only."""
    return fit_in(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def model(whole_run):
    """The model of `whole_run`: classes ground, ball and glass, 16x16, 16 latent channels. Read-only."""
    import composegan

    return composegan.load(whole_run)


@pytest.fixture
def full_disk():
    """(bytes) -> a context in which no file can grow beyond that size, which looks like a full disk."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def full_disk(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return full_disk


@pytest.fixture
def error_line(capsys):
    """(arguments...) -> the one error line of `composegan` with these arguments, which must exit with status 2."""

    def error_line(*arguments):
        from composegan.cli import main

        capsys.readouterr()
        assert main(list(map(str, arguments))) == 2
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("composegan: ")]
        assert len(lines) == 1
        return lines[0].removeprefix("composegan: ")

    return error_line


@pytest.fixture
def moves(monkeypatch):
    """The disk operations in order: ("flush", file or folder, size) and ("rename", new name, size)."""
    done, flush = [], os.fsync

    def noted_flush(handle):
        done.append(("flush", os.path.realpath(f"/proc/self/fd/{handle}"), os.fstat(handle).st_size))
        flush(handle)

    def noting(rename):
        def noted_rename(old, new):
            done.append(("rename", str(new), os.stat(old).st_size))
            rename(old, new)

        return noted_rename

    monkeypatch.setattr(os, "fsync", noted_flush)
    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, noting(getattr(os, name)))
    return done


PETS = """
api: 1
title: Pets
classes:
  - {name: background, color: [0, 0, 0]}
  - {name: cat, color: [200, 0, 0], category: animal/mammal, optional: true}
  - {name: glass, color: [0, 0, 200], transparent: true}
recipes:
  wide:
    about: |
      128x192, for one GPU
      composegan fit domain=./pets.yaml recipe=wide
    data: {height: 128, width: 192}
    training.batch: 4
  quick:
    training: {images: 800}
foreign:
  coco: {17: cat}
credits: [Nobody, CC0]
"""


@pytest.fixture
def pets(tmp_path):
    """A domain file with a recipe of its own, and overrides of a common one."""
    path = tmp_path / "pets.yaml"
    path.write_text(PETS)
    return path


@pytest.fixture
def new_process():
    """() -> as in a new process, where no plug-in was searched for or imported yet; also done after the test."""
    from composegan.plugin import registry

    path = list(sys.path)

    def new_process():
        added = tuple(f"{place}{os.sep}" for place in sys.path if place not in path)
        for name, module in list(sys.modules.items()):
            if added and (getattr(module, "__file__", None) or "").startswith(added):
                del sys.modules[name]
        sys.path[:] = path
        registry._plugin_paths.clear()

    yield new_process
    new_process()


@pytest.fixture
def toys_folder(new_process, tmp_path):
    """A copy of tests/toys, a plug-in that is not installed: one extension of each kind, and some that do not work."""
    return Path(shutil.copytree(Path(__file__).with_name("toys"), tmp_path / "toys"))


def pytest_collection_finish():
    """Exempt torch and the collected tests from garbage collection: no full collection scans them again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Escape output with paths that are not UTF-8, which pytest-xdist cannot send."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
