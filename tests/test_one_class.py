"""A domain of one class trains, resumes, and is used by every command."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from composegan.cli import main
from composegan.evaluation import segmenter
from composegan.runs.checkpoint import read


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """`domain=` and `data.root=` of five pictures of noise, all of one class."""
    home = tmp_path_factory.mktemp("alone")
    (home / "alone.yaml").write_text("classes: [{name: all, color: [10, 20, 30]}]\n")
    for part in ("images", "labels"):
        (home / part).mkdir()
    for index in range(5):
        image = np.random.default_rng(index).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(image).save(home / "images" / f"{index}.png")
        Image.fromarray(image[..., 0] * 0).save(home / "labels" / f"{index}.png")
    return [f"domain={home / 'alone.yaml'}", f"data.root={home}"]


@pytest.fixture(scope="module")
def run(alone, tiny, tmp_path_factory, as_before):
    """A run of 8 images, stopped at 4."""
    root = tmp_path_factory.mktemp("runs")
    with as_before():
        arguments = [*alone, "recipe=quick", *tiny, f"output.root={root}", "training.images=4", "output.score_every=4"]
        assert main(["fit", *arguments]) == 0
        (run,) = (root / "alone").iterdir()
        assert main(["fit", f"run={run}", "training.images=8"]) == 0
    return run


@pytest.mark.parametrize(
    "settings",
    [["grouping=single"], ["training.class_sets=all", "model.mask_rank=1"], ["training.precision=bf16"]],
    ids=" ".join,
)
def test_one_class_trains_with_other_settings(alone, tiny, tmp_path, as_before, settings):
    with as_before():
        given = [*alone, "recipe=quick", *tiny, f"output.root={tmp_path}", "training.images=4", "output.score_every=4"]
        assert main(["fit", *given, *settings]) == 0


def test_one_class_resumes(run):
    state = read(run / "checkpoints" / "last.pt")
    assert state["images_seen"] == 8
    assert all(x.isfinite().all() for x in state["networks"].values())
    assert state["networks"]["generator.local.depth_weight"].shape == (0, 8)


@pytest.mark.parametrize(
    ("verb", "settings", "written"),
    [
        ("sample", ["n=2"], "out/codes.npz"),
        ("edit", ["classes=all", "part=texture"], "out/sheet.png"),
        ("mix", [], "out.png"),
        ("components", [], "out/00000.png"),
        ("interpolate", ["frames=2"], "out.gif"),
        ("directions", ["classes=all", "measured=4", "count=1"], "out/all.pca.png"),
    ],
)
def test_every_command_takes_a_model_of_one_class(run, tmp_path, capsys, verb, settings, written):
    out = tmp_path / written.partition("/")[0]
    status = main([verb, f"run={run}", f"out={out}", *settings])
    assert status == 0, capsys.readouterr().err
    assert out.exists()


def test_one_class_is_evaluated(run, tmp_path, monkeypatch):
    monkeypatch.setattr(segmenter, "STEPS", 2)
    monkeypatch.setenv("COMPOSEGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    assert main(["evaluate", f"run={run}", "n=5", f"out={tmp_path / 'out'}"]) == 0
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    figures = {figure["name"]: figure["value"] for figure in found["figures"]}
    assert figures["FSD"] == 0 and figures["mask_consistency"] == 1
    assert all(np.isfinite(value) for value in figures.values())
