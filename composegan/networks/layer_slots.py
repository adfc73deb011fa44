"""Latent slots of a generator without classes' codes: one for each layer (W+, arXiv 1904.03189)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class LayerLayout:
    """A slot for each of the layers, from the coarsest to the finest. The whole picture shares them: all are base codes
    in the sense of `SlotLayout`, and slots are codes."""

    class_codes: ClassVar[bool] = False

    classes: int
    layers: int

    @property
    def slots(self) -> int:
        return self.layers

    @property
    def codes(self) -> int:
        return self.layers

    def expand(self, latent: Tensor) -> Tensor:
        """w (B, S) or codes (B, layers, S) -> codes. Raises ValueError for any other shape."""
        if latent.dim() == 2:
            return latent[:, None].expand(-1, self.layers, -1)
        if latent.dim() == 3 and latent.shape[1] == self.layers:
            return latent
        raise ValueError(f"latent of shape {tuple(latent.shape)}; expected (B, S) or (B, {self.layers}, S)")

    def draw_choice(self, batch: int, device: torch.device) -> Tensor:
        """A random choice for `mix`, (B, layers) of 0 and 1: 1 from a crossover on, which is the same with every layer
        but the first (StyleGAN, arXiv 1812.04948, section 3.1)."""
        crossover = torch.randint(1, self.layers, (batch, 1), device=device)
        return (torch.arange(self.layers, device=device) >= crossover).long()

    def mix(self, first: Tensor, second: Tensor, choice: Tensor) -> Tensor:
        """Style mixing: two w (B, S) -> codes (B, layers, S), of `second` where choice (B, layers) is above 0."""
        return torch.where(choice[..., None] > 0, second[:, None], first[:, None])
