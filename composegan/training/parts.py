"""A step's batch in parts: split over ranks, and within a rank into parts that are computed one after another.

Part n of a step draws by (seed, n, step), whichever rank computes it, so that two ranks compute what one rank does in
two parts: the same images, random numbers and, up to rounding, gradients.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


def derive_seed(*parts: int | str) -> int:
    """A seed in 0..2^63-1, a well-mixed pure function of its parts."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class Draws:
    """Torch's random numbers for each part of a step, continued from phase to phase.

    seeds: one for each part on this rank. A single part uses torch's own stream, seeded once.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self.seeds, self.device = seeds, device
        self.states: dict[int, list[Tensor]] = {}

    @contextmanager
    def of(self, part: int) -> Iterator[None]:
        """Within the block torch draws from the stream of `part`."""
        if part in self.states:
            self._set(self.states[part])
        else:
            torch.manual_seed(self.seeds[part])
            self.states[part] = []
        yield
        if len(self.seeds) > 1:
            self.states[part] = self._get()

    def _get(self) -> list[Tensor]:
        own = [] if self.device.type == "cpu" else [torch.get_device_module(self.device).get_rng_state()]
        return [torch.get_rng_state(), *own]

    def _set(self, states: list[Tensor]) -> None:
        for number, state in enumerate(states):
            (torch if number == 0 else torch.get_device_module(self.device)).set_rng_state(state)


def mean_of(logs: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each figure, (), over the parts."""
    if len(logs) == 1:
        return dict(logs[0])
    return {name: torch.stack([each[name] for each in logs]).mean() for name in logs[0]}
