import json

import pytest

from benchmarks import chaos


@pytest.mark.slow
def test_a_run_that_is_killed_ends_as_if_it_had_not_been(tmp_path):
    chaos.main(["kills=2", "chain=2", "kinds=1x0", f"out={tmp_path / 'chaos.json'}"])
    (row,) = json.loads((tmp_path / "chaos.json").read_text())["rows"]
    assert row["kills"] == 2 and row["while_saving"] == 1
    assert row["bitwise_the_same"] == row["runs"] >= 1


def test_it_sees_a_difference():
    import torch

    one = {"networks": {"a": torch.zeros(2)}, "optimizers": [{"step": 3}]}
    assert chaos.same_state(one, {"networks": {"a": torch.zeros(2)}, "optimizers": [{"step": 3}]})
    assert not chaos.same_state(one, {"networks": {"a": torch.tensor([0.0, 1e-30])}, "optimizers": [{"step": 3}]})
    assert not chaos.same_state(one, {"networks": {"a": torch.zeros(2)}, "optimizers": [{"step": 4}]})
