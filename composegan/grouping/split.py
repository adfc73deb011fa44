"""Split the groups of modules whose classes share weights, without changing what they compute.

A child starts with its parent's weights, their averages and their moments in Adam, so that the next step is the same
except that each child moves by the gradient of its own members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class Grouped(Protocol):
    """A module whose classes share weights by groups: `LocalBank`, `LateTexture`.

    group_of: the group of each class; SHARED: the parameters that the members of a group share, and their dimension
    that runs over groups; assign: sets `group_of`.
    """

    group_of: tuple[int, ...]

    @property
    def SHARED(self) -> Mapping[str, int]: ...  # noqa: N802

    def assign(self, group_of: Sequence[int]) -> None: ...


def sources(before: Sequence[int], after: Sequence[int]) -> list[int]:
    """For each new group, the old one that its classes come from.

    before, after: the group of each class. Raises ValueError if classes of different groups would be joined.
    """
    found: dict[int, int] = {}
    for old, new in zip(before, after, strict=True):
        if found.setdefault(new, old) != old:
            raise ValueError("classes of different groups cannot be joined")
    return [found[new] for new in range(len(found))]


@torch.no_grad()
def regroup(bank: Grouped, group_of: Sequence[int], adam: Optimizer | None = None) -> None:
    """Split groups so that class k is in group `group_of[k]`, 0..G-1. The output of the bank does not change.

    adam: the optimizer of the bank's parameters; it continues with the new parameters and copies of the old moments.
    Raises ValueError if classes of different groups would be joined.
    """
    source = sources(bank.group_of, group_of)
    for name, dim in bank.SHARED.items():
        old = getattr(bank, name)
        copied = old.index_select(dim, _index(source, old)).contiguous(memory_format=_order(old))
        new = nn.Parameter(copied, requires_grad=old.requires_grad)
        setattr(bank, name, new)
        if adam is not None:
            _replace(adam, old, new, source, dim)
    bank.assign(group_of)


def _replace(adam: Optimizer, old: Tensor, new: Tensor, source: Sequence[int], dim: int) -> None:
    """Replace the parameter `old` of an optimizer by `new`, keeping every order."""
    for group in adam.param_groups:
        group["params"] = [new if parameter is old else parameter for parameter in group["params"]]
    states = list(adam.state.items())
    adam.state.clear()
    for parameter, state in states:
        if parameter is not old:
            adam.state[parameter] = state
            continue
        # Fused Adam assumes that a parameter and its moments have the same memory order.
        adam.state[new] = {
            key: torch.empty_like(new).copy_(value.index_select(dim, _index(source, value)))
            if value.shape == old.shape
            else value
            for key, value in state.items()
        }


def _index(source: Sequence[int], tensor: Tensor) -> Tensor:
    return torch.tensor(source, device=tensor.device)


def _order(tensor: Tensor) -> torch.memory_format:
    """The memory order of a parameter. That of a single group is ambiguous: channels-last, as in training."""
    last = tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format
