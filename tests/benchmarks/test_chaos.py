"""The chaos study: killed runs end bit for bit like an undisturbed one, and a difference would be found."""

import json

import pytest
import torch

from benchmarks import chaos
from composegan.errors import UserError


@pytest.mark.slow
def test_killed_run_ends_like_undisturbed_run(tmp_path):
    out = tmp_path / "chaos.json"
    for kills in (1, 2):  # the second call resumes the study
        chaos.main([f"kills={kills}", "chain=2", "images=48", "kinds=1x0", f"out={out}"])
        (row,) = json.loads(out.read_text())["rows"]
        assert row["kills"] == kills and row["bitwise_the_same"] == row["runs"] >= kills
    before = out.read_text()
    out.write_text(before.replace(row["weights"], "0" * 16))
    with pytest.raises(UserError, match="measured with other code or on another machine"):
        chaos.main(["kills=3", "images=48", "kinds=1x0", f"out={out}"])


@pytest.mark.slow
def test_killed_run_of_two_processes_ends_like_undisturbed_run(tmp_path):
    out = tmp_path / "chaos.json"
    chaos.main(["kills=2", "chain=2", "images=48", "kinds=2x2", f"out={out}"])
    (row,) = json.loads(out.read_text())["rows"]
    assert row["kills"] == 2 and row["bitwise_the_same"] == row["runs"]


def test_digest_compares_bit_for_bit():
    def of(value=0.0, name="a", step=3):
        return chaos.digest({"networks": {name: torch.tensor([0.0, value])}, "optimizers": [{"step": step}]})

    assert of() == of()
    assert len({of(), of(1e-30), of(name="b"), of(step=4)}) == 4
