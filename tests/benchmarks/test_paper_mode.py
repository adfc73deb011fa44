"""The study of the paper's sizes runs from the command line in its tiny form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def test_tiny_study_writes_its_results(tmp_path):
    out = tmp_path / "results" / "paper_mode.json"
    arguments = ["tiny=on", "repeats=1", "step_repeats=1", "device=cpu", f"out={out}"]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.paper_mode", *arguments], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(out.read_text())
    assert found["command"].startswith("python -m benchmarks.paper_mode tiny=on")
    assert found["machine"]["torch"] and found["machine"]["cores"]

    operations = found["operations of the local stage, forward"]
    assert operations["ours"]["K=13"] == operations["ours"]["K=30"] < 100
    assert operations["loop"]["K=30"] > 2 * operations["loop"]["K=13"] > 1000

    (size,) = found["sizes"].values()
    stage = size["local stage"]
    assert stage["relative difference"]["answers"] < 1e-5
    assert stage["part of the loop's, outputs counted to both"] < 0.1
    assert stage["saved activations, MB"]["ours"] < stage["saved activations, MB"]["not recomputed"]
    assert set(size["step"]["phases"]) == {"Dmain", "Dreg", "Gmain", "Greg"}
    for row in (stage["forward"], stage["forward and backward"], size["generator"], size["step"]["amortized"]):
        assert min(row["milliseconds"].values()) > 0
    assert "step, amortized" in run.stdout and str(out) in run.stdout
