"""The inversion study runs from the command line, on an untrained model of faces."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from composegan.model.saved_model import Model, mean_code, save
from composegan.networks.generator import Generator
from composegan.plugin import registry

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def model(tmp_path):
    spec = registry.load("faces").spec
    settings = {
        "classes": len(spec.names), "height": 16, "width": 16, "latent_channels": 8, "mapping_layers": 2,
        "local_layers": 3, "base_layers": 1, "depth_layers": 2, "local_channels": 4, "coarse_channels": 8,
        "coarse_size": 8, "min_feat_size": 4, "max_channels": 8, "recompute": False,
    }  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = Generator(**settings)
    return save(tmp_path / "model", Model(generator, settings, "faces", spec.names, spec.colors, mean_code(generator)))


def benchmark(*arguments):
    command = [sys.executable, "-m", "benchmarks.inversion", *arguments]
    run = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.slow
def test_study_measures_before_and_after_tuning(model, tmp_path):
    out = tmp_path / "results" / "inversion.json"
    printed = benchmark(f"model={model}", "count=2", "steps=2", f"out={out}")
    found = json.loads(out.read_text())
    assert found["settings"]["steps"] == 2 and found["machine"]["torch"]
    avatars = found["held-out avatars"]
    assert len(avatars["avatars"]) == 2
    for how in ("with mask", "without mask"):
        for stage in ("w+", "tuned"):
            leaks = avatars[how][stage]["leakage"]
            assert 0 <= leaks["one pixel"] <= leaks["strict"] <= 1 and 0 <= leaks["pasted"] <= 1
            assert avatars[how][stage]["mse"] > 0 and 0 <= avatars[how][stage]["mask_iou"] <= 1
    assert "| after tuning, with mask |" in printed and str(out) in printed


def test_draw_gives_the_photos_of_the_guide(tmp_path):
    benchmark(f"draw={tmp_path}")
    for part in ("images", "masks"):
        for name in "abc":
            committed = CHECKOUT / "docs" / "guide" / "photos" / part / f"{name}.png"
            drawn = tmp_path / part / f"{name}.png"
            np.testing.assert_array_equal(np.asarray(Image.open(drawn)), np.asarray(Image.open(committed)))
