"""Exact surgery: groups of a bank are split in two, and its function stays as it is.

A child begins with its parent's weights, their averages and their moments in Adam; so the next step is the one that
would have been, but that each child moves by its own members' gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from composegan.networks.local_bank import LocalBank

SHARED = {"weight": 1, "style_weight": 1, "feature_weight": 0}
"""The parameters of a bank that a group shares, and which of their dimensions is that of groups."""


def sources(before: Sequence[int], after: Sequence[int]) -> list[int]:
    """For each of the new groups the old one that its classes come from.

    before, after: the group of each class. Raises ValueError where classes that were apart would be together.
    """
    found: dict[int, int] = {}
    for old, new in zip(before, after, strict=True):
        if found.setdefault(new, old) != old:
            raise ValueError("classes of different groups cannot be joined")
    return [found[new] for new in range(len(found))]


@torch.no_grad()
def regroup(bank: LocalBank, group_of: Sequence[int], adam: Optimizer | None = None) -> None:
    """Split groups, so that class k is in group `group_of[k]`, 0..G-1; the bank answers what it answered before.

    adam: the optimizer of the bank's parameters, whose new ones it takes up with the moments of the old.
    Raises ValueError where classes that were apart would be together.
    """
    source = sources(bank.group_of, group_of)
    for name, dim in SHARED.items():
        old = getattr(bank, name)
        copied = old.index_select(dim, _index(source, old)).contiguous(memory_format=_order(old))
        new = nn.Parameter(copied, requires_grad=old.requires_grad)
        setattr(bank, name, new)
        if adam is not None:
            _take_up(adam, old, new, source, dim)
    bank.assign(group_of)


def _take_up(adam: Optimizer, old: Tensor, new: Tensor, source: Sequence[int], dim: int) -> None:
    """Put `new` in the place of `old` in an optimizer, in the same order of everything."""
    for group in adam.param_groups:
        group["params"] = [new if parameter is old else parameter for parameter in group["params"]]
    states = list(adam.state.items())
    adam.state.clear()
    for parameter, state in states:
        if parameter is not old:
            adam.state[parameter] = state
            continue
        # Fused Adam reads a parameter and its moments as if their memory order were the same.
        adam.state[new] = {
            key: torch.empty_like(new).copy_(value.index_select(dim, _index(source, value)))
            if value.shape == old.shape
            else value
            for key, value in state.items()
        }


def _index(source: Sequence[int], tensor: Tensor) -> Tensor:
    return torch.tensor(source, device=tensor.device)


def _order(tensor: Tensor) -> torch.memory_format:
    """The memory order of a parameter. One of a single group may be taken for either: then it is channels-last, as
    networks are when they are trained."""
    last = tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format
