"""The state of Adam in a file: its schema, and whether it fits a network's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from composegan.io.schema import COUNT, Each, Leaf

TENSOR = Leaf("a tensor", lambda x: isinstance(x, Tensor))
FLOATS = Leaf(
    "a tensor of finite floating-point numbers",
    lambda x: isinstance(x, Tensor) and x.is_floating_point() and bool(x.isfinite().all()),
)
SCALAR = Leaf("a tensor of one number", lambda x: isinstance(x, Tensor) and x.is_floating_point() and x.dim() == 0)
STEPS = Leaf("a number of steps", lambda x: COUNT.valid(x) or (SCALAR.valid(x) and 0 <= x.item() < 2**53))

MOMENTS = ("exp_avg", "exp_avg_sq")
ADAM = {"state": Each({"step": STEPS, **dict.fromkeys(MOMENTS, FLOATS)}, key=COUNT)}
"""Of its state dict. Learning rate and other numbers come from the configuration."""


def load_moments(optimizer: torch.optim.Optimizer, saved: Mapping[str, Any], network: nn.Module) -> None:
    """Load into an Adam over the parameters of `network` the moments of a state dict that has passed ADAM.

    They get the memory order of the parameters: fused Adam ignores strides and would pair each weight with another
    one's moments. Raises ValueError when they do not fit the parameters.
    """
    parameters, state = list(network.parameters()), {}
    for number, moments in saved["state"].items():
        if number >= len(parameters):
            raise ValueError(f"it has moments of parameter {number}, and there are {len(parameters)}")
        state[number] = {"step": torch.as_tensor(moments["step"], dtype=torch.float32)}
        for part in MOMENTS:
            value, parameter = moments[part], parameters[number]
            if value.shape != parameter.shape:
                raise ValueError(f"its {part} does not fit parameter {number}")
            if value.stride() != parameter.stride():
                value = torch.empty_like(parameter, device=value.device).copy_(value)
            state[number][part] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
