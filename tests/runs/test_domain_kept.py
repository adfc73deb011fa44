"""A run resumes after the file or folder of its domain is deleted or moved."""

import shutil
from pathlib import Path

import pytest

from composegan.config.compose import load_config
from composegan.errors import UserError

PLUGIN = """
from dataclasses import dataclass
import numpy as np
from composegan.data import Sample
from composegan.plugin.domain import DomainPlugin, DomainSpec, SemanticClass

@dataclass(frozen=True)
class Halves:
    count: int
    height: int
    width: int
    seed: int

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        labels = np.zeros((self.height, self.width), np.uint8)
        labels[self.height // 2 :] = 1
        colors = np.random.default_rng([self.seed, index]).integers(0, 256, (3, 2), dtype=np.uint8)
        return Sample(colors[:, labels], labels, str(index))

spec = DomainSpec("halves", (SemanticClass("above", (0, 0, 0)), SemanticClass("below", (0, 90, 0))))
plugin = DomainPlugin(spec, demo=Halves)
"""


def test_run_keeps_its_domain_file_and_can_be_moved(fit_in, resume, shapes, tmp_path):
    toys = Path(shapes[0].removeprefix("domain=")).read_text()
    (tmp_path / "toys.yaml").write_text(toys)
    run = fit_in(tmp_path / "runs", f"domain={tmp_path / 'toys.yaml'}", "training.images=4")
    assert (run / "domain" / "toys.yaml").read_text() == toys
    assert "domain: domain/toys.yaml" in (run / "config.yaml").read_text()
    resume(run, "training.images=6", f"domain={tmp_path / 'toys.yaml'}")  # what it was started with may be said again
    (tmp_path / "toys.yaml").write_text(toys.replace("ball", "cube"))
    with pytest.raises(UserError, match="domain would change the run"):
        resume(run, "training.images=8", f"domain={tmp_path / 'toys.yaml'}")
    (tmp_path / "toys.yaml").unlink()
    moved = tmp_path / "elsewhere"
    shutil.move(run, moved)
    resume(moved, "training.images=8")
    assert load_config(moved / "config.yaml").domain == str(moved / "domain" / "toys.yaml")
    assert "domain: domain/toys.yaml" in (moved / "config.yaml").read_text()


def test_run_finds_a_plugin_that_is_not_installed(fit_in, resume, tmp_path, monkeypatch, new_process):
    monkeypatch.setenv("COMPOSEGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "halves.py").write_text(PLUGIN)
    settings = ["domain=halves", "data.root=", "data.demo_count=4", "training.images=4"]
    run = fit_in(tmp_path / "runs", *settings, "plugin_path=code")
    assert load_config(run / "config.yaml").plugin_path == str(tmp_path / "code")
    new_process()
    resume(run, "training.images=6")
    shutil.move(tmp_path / "code", tmp_path / "moved")
    new_process()
    with pytest.raises(UserError, match=r"plugin_path=.*code: there is no such folder"):
        resume(run, "training.images=8")
    resume(run, "training.images=8", "plugin_path=moved")
    new_process()
    resume(run, "training.images=10")
    with pytest.raises(UserError, match="no domain 'halves' is installed"):
        new_process()
        fit_in(tmp_path / "runs", *settings)
