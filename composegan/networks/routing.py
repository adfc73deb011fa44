"""Presence routing: which (sample, class) pairs the local generators compute, and where the numbers of each pair are.

A street shows about a dozen of its thirty classes. Pairs of absent classes are not computed and get no weight.
All sizes are known on the CPU, where class sets are drawn, so there is no host-device synchronization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Routing:
    """The N pairs of a batch of B samples, ordered by sample and class. All fields but the sizes are int64 tensors.

    pair: (N,), `b K + k`; of_class: (N,), k; group: (N,), the group of the class.
    buckets: sizes (G, M) of the pairs gathered by group, for products with a group's weights; M is the size of the
    largest group; bucket: (G M,), the pair in each place, 0 in unused places; place: (N,), the place of each pair.
    seat: (N,), `b Q + q`: the pair is the q-th of its sample, of at most Q; seats: (B, Q); seat_pair: (B Q,), the
    `b K + k` of each seat, that of class 0 in a vacant one.
    slot: (N,), `b A + a`: the group of the pair is the a-th of its sample, of at most A; slot_group: (B, A), these
    groups, 0 in unused slots. counts: B numbers, the pairs of each sample.
    """

    classes: int
    pair: Tensor
    of_class: Tensor
    group: Tensor
    buckets: tuple[int, int]
    bucket: Tensor
    place: Tensor
    seats: tuple[int, int]
    seat: Tensor
    seat_pair: Tensor
    slot: Tensor
    slot_group: Tensor
    counts: tuple[int, ...]

    @classmethod
    def of(cls, present: Tensor, group_of: Sequence[int], device: torch.device | str = "cpu") -> Routing:
        """present: (B, K), true where a class is in a sample; on the CPU, to avoid a synchronization.

        group_of: the group of each class, 0..G-1. Raises ValueError for a sample without any class.
        """
        present = present.cpu() != 0  # (B, K)
        if not present.any(dim=1).all():
            raise ValueError("a class set is empty; a picture has at least one class")
        batch, classes = present.shape
        groups = torch.as_tensor(group_of)  # (K)
        sample, of_class = present.nonzero(as_tuple=True)  # (N), (N)
        group = groups[of_class]  # (N)

        sizes = torch.bincount(group, minlength=int(groups.max()) + 1)  # (G)
        most = int(sizes.max())
        order = group.argsort(stable=True)  # (N)
        first = (sizes.cumsum(0) - sizes)[group[order]]  # (N): where the group begins in this order
        place = torch.empty_like(group)
        place[order] = group[order] * most + torch.arange(len(group)) - first
        bucket = torch.zeros(len(sizes) * most, dtype=torch.int64)
        bucket[place] = torch.arange(len(group))

        numbers = present.sum(dim=1)  # (B)
        seats = int(numbers.max())
        seat = sample * seats + torch.arange(len(sample)) - (numbers.cumsum(0) - numbers)[sample]  # (N)
        seat_pair = torch.arange(batch).repeat_interleave(seats) * classes  # (B Q)
        seat_pair[seat] = sample * classes + of_class

        there = torch.zeros(batch, len(sizes), dtype=torch.bool)
        there[sample, group] = True  # (B, G)
        rank = there.cumsum(dim=1) - 1  # (B, G)
        slots = int(rank[:, -1].max()) + 1
        slot = sample * slots + rank[sample, group]  # (N)
        slot_group = torch.zeros(batch * slots, dtype=torch.int64)
        slot_group[slot] = group

        def move(x: Tensor) -> Tensor:
            return x.to(device, non_blocking=True)

        return cls(
            classes, move(sample * classes + of_class), move(of_class), move(group), (len(sizes), most), move(bucket),
            move(place), (batch, seats), move(seat), move(seat_pair), move(slot), move(slot_group.view(batch, slots)),
            tuple(numbers.tolist()),
        )  # fmt: skip

    @property
    def seat_class(self) -> Tensor:
        """The class of each seat (B, Q), 0 in a vacant one."""
        return (self.seat_pair % self.classes).view(self.seats)

    @property
    def vacant(self) -> Tensor:
        """The seats without a pair, (B, Q) bool."""
        seats = self.seats[0] * self.seats[1]
        return self.seat.new_ones(seats, dtype=torch.bool).index_fill(0, self.seat, False).view(self.seats)

    @property
    def present(self) -> Tensor:
        """Which classes each sample has, (B, K) bool."""
        pairs = self.seats[0] * self.classes
        return self.pair.new_zeros(pairs, dtype=torch.bool).index_fill(0, self.pair, True).view(-1, self.classes)

    def seated(self, x: Tensor) -> Tensor:
        """The classes that are present, side by side: x (B, K, ...) -> (B, Q, ...); in vacant seats is class 0."""
        return x.flatten(0, 1).index_select(0, self.seat_pair).unflatten(0, self.seats)
