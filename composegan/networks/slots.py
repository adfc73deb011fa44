"""Latent slots: which code drives which layer of which class.

A latent is given at one of three levels of detail (reference model, "Latent slots"):
`w (B, S)`, one code for all; `slots (B, base_layers + 2K, S)`, the base codes and then (shape, texture) a class;
`codes (B, K * local_layers, S)`, one for each layer of each class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class SlotLayout:
    """How slots expand to codes for K classes. Class 0, the background, takes no base code."""

    class_codes: ClassVar[bool] = True  # whether a class has slots of its own

    classes: int
    local_layers: int
    base_layers: int
    depth_layers: int

    @property
    def slots(self) -> int:
        return self.base_layers + 2 * self.classes

    @property
    def codes(self) -> int:
        return self.classes * self.local_layers

    def shape_slot(self, index: int) -> int:
        """The slot of a class's shape code; its texture code is the next."""
        return self.base_layers + 2 * index

    def slot_of_code(self) -> list[int]:
        """For each of the K * local_layers codes, class-major, the slot that it is a copy of."""
        table = []
        for index in range(self.classes):
            shape = self.shape_slot(index)
            base = [shape] * self.base_layers if index == 0 else list(range(self.base_layers))
            middle = [shape] * (self.depth_layers - self.base_layers)
            table += base + middle + [shape + 1] * (self.local_layers - self.depth_layers)
        return table

    def expand(self, latent: Tensor, slot_of_code: Tensor) -> Tensor:
        """w (B, S), slots (B, slots, S) or codes -> codes (B, K * local_layers, S).

        slot_of_code: `slot_of_code()` as an int64 tensor on the latent's device.
        Raises ValueError for any other shape.
        """
        if latent.dim() == 2:
            return latent[:, None].expand(-1, self.codes, -1)
        if latent.dim() == 3 and latent.shape[1] == self.codes:
            return latent
        if latent.dim() == 3 and latent.shape[1] == self.slots:
            return latent.index_select(1, slot_of_code)
        raise ValueError(
            f"latent of shape {tuple(latent.shape)}; expected (B, S), (B, {self.slots}, S) or (B, {self.codes}, S)"
        )

    def draw_choice(self, batch: int, device: torch.device) -> Tensor:
        """A random choice for `mix`: (B, K) in 0..2."""
        return torch.randint(0, 3, (batch, self.classes), device=device)

    def mix(self, first: Tensor, second: Tensor, choice: Tensor) -> Tensor:
        """Style mixing: two w (B, S) -> slots (B, slots, S).

        choice: (B, K) in 0..2: both codes of the class from `first`; shape from `first`, texture from `second`;
        both from `second`. The base codes are always `first`'s.
        """
        from_second = torch.stack((choice == 2, choice >= 1), dim=2).flatten(1)  # (B, 2K)
        base = first[:, None].expand(-1, self.base_layers, -1)  # (B, base_layers, S)
        parts = torch.where(from_second[..., None], second[:, None], first[:, None])  # (B, 2K, S)
        return torch.cat((base, parts), dim=1)  # (B, slots, S)
