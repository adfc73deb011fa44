"""Adam moments from a file: whether they belong to a network's parameters."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def is_plain(tensor: Any) -> bool:
    """Whether it is a tensor whose numbers are all in the file: one can claim more of them than there are."""
    if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        return False
    return not tensor.is_nested and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def check_moments(saved: Any, network: nn.Module) -> None:
    """Raises ValueError unless a state dict is of an Adam over the parameters of a network."""
    parameters = list(network.parameters())
    if not isinstance(saved, dict):
        raise ValueError("its optimizer is no Adam")
    try:
        (group,) = saved["param_groups"]
        if not isinstance(group, dict) or not isinstance(saved["state"], dict):
            raise ValueError("its optimizer is no Adam")
        if list(group["params"]) != list(range(len(parameters))):
            raise ValueError("it is of other parameters")
        if not all(isinstance(value, (int, float, tuple, list, type(None))) for value in group.values()):
            raise ValueError("it has settings that are no numbers")
        for number, moments in saved["state"].items():
            if type(number) is not int or not isinstance(moments, dict):
                raise ValueError("its optimizer is no Adam")
            for part, tensor in moments.items():
                wanted = torch.Size() if part == "step" else parameters[number].shape
                if not is_plain(tensor) or tensor.shape != wanted or not tensor.is_floating_point():
                    raise ValueError(f"its {part} does not fit parameter {number}")
            if not moments.keys() >= {"step", "exp_avg", "exp_avg_sq"}:
                raise ValueError(f"it has not all moments of parameter {number}")
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"its optimizer is no Adam ({type(error).__name__})") from error
