import json

import pytest
import torch

from benchmarks import chaos
from composegan.errors import UserError


@pytest.mark.slow
def test_a_run_that_is_killed_ends_as_if_it_had_not_been(tmp_path):
    out = tmp_path / "chaos.json"
    for kills in (1, 2):  # the second time it goes on
        chaos.main([f"kills={kills}", "chain=2", "images=48", "kinds=1x0", f"out={out}"])
        (row,) = json.loads(out.read_text())["rows"]
        assert row["kills"] == kills and row["bitwise_the_same"] == row["runs"] >= kills
    before = out.read_text()
    out.write_text(before.replace(row["weights"], "0" * 16))
    with pytest.raises(UserError, match="is of other code or another machine"):
        chaos.main(["kills=3", "images=48", "kinds=1x0", f"out={out}"])


@pytest.mark.slow
def test_so_is_one_of_two_processes(tmp_path):
    out = tmp_path / "chaos.json"
    chaos.main(["kills=2", "chain=2", "images=48", "kinds=2x2", f"out={out}"])
    (row,) = json.loads(out.read_text())["rows"]
    assert row["kills"] == 2 and row["bitwise_the_same"] == row["runs"]


def test_weights_have_a_fingerprint():
    def of(value, name="a"):
        return chaos.digest({"networks": {name: torch.full((2, 3), value), "mean": torch.zeros(())}})

    assert of(1.0) == of(1.0) != of(1.0 + 2**-23)
    assert of(1.0) != of(1.0, "b")


def test_it_sees_a_difference():
    one = {"networks": {"a": torch.zeros(2)}, "optimizers": [{"step": 3}]}
    assert chaos.same_state(one, {"networks": {"a": torch.zeros(2)}, "optimizers": [{"step": 3}]})
    assert not chaos.same_state(one, {"networks": {"a": torch.tensor([0.0, 1e-30])}, "optimizers": [{"step": 3}]})
    assert not chaos.same_state(one, {"networks": {"a": torch.zeros(2)}, "optimizers": [{"step": 4}]})
