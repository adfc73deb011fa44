"""Adam moments from a file: whether they fit a network's parameters."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def is_plain(tensor: Any) -> bool:
    """Whether it is a dense tensor whose storage holds all its numbers: a damaged file can claim more."""
    if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        return False
    return not tensor.is_nested and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def check_moments(saved: Any, network: nn.Module) -> None:
    """Raise ValueError unless `saved` is the state dict of an Adam over the parameters of `network`."""
    parameters = list(network.parameters())
    try:
        (group,) = saved["param_groups"]
        if list(group["params"]) != list(range(len(parameters))):
            raise ValueError("its optimizer has other parameters")
        if not all(isinstance(value, (int, float, tuple, list, type(None))) for value in group.values()):
            raise ValueError("its optimizer has settings that are not numbers")
        for number, moments in saved["state"].items():
            if type(number) is not int or not moments.keys() >= {"step", "exp_avg", "exp_avg_sq"}:
                raise ValueError(f"it lacks moments of parameter {number}")
            for part, tensor in moments.items():
                wanted = torch.Size() if part == "step" else parameters[number].shape
                if not is_plain(tensor) or tensor.shape != wanted or not tensor.is_floating_point():
                    raise ValueError(f"its {part} does not fit parameter {number}")
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"its optimizer is not an Adam ({type(error).__name__})") from error
