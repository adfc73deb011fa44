"""The benchmark of the paper's sizes runs: small, and all of it, in a process of its own as a person starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def test_it_runs_and_writes_what_it_found(tmp_path):
    out = tmp_path / "results" / "paper_mode.json"
    arguments = ["--quick", "--repeats", "1", "--step-repeats", "1", "--device", "cpu", "--out", str(out)]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.paper_mode", *arguments], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(out.read_text())
    assert found["command"].startswith("python -m benchmarks.paper_mode --quick")
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
