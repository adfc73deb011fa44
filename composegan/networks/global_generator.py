"""The generator of `model.family=stylegan2`: one network for the whole picture and its mask, without parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from composegan.networks.discriminator import halvings
from composegan.networks.generator import Synthesis
from composegan.networks.layer_slots import LayerLayout
from composegan.networks.mapping import Mapping
from composegan.networks.modulated import ModulatedConv, ModulatedHead
from composegan.networks.precision import widened
from composegan.networks.renderer import channels_at
from composegan.networks.resample import upsample
from composegan.networks.semantic_map import SemanticMap


class NoLocalGenerators(nn.Module):
    """Stands in `GlobalGenerator.local`: no parameters, no outputs, and no classes that share weights."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.group_of = tuple(range(classes))

    def forward(self, codes: Tensor, present: Tensor | None = None) -> tuple[()]:
        return ()


class GlobalGenerator(nn.Module):
    """StyleGAN2 (arXiv 1912.04958, figures 2 and 7: output skips) that draws the mask's K logits with the colours.

    One code drives each layer of the whole picture, so no code belongs to a class. mask_rank: channels of the mask, see
    `SemanticMap.basis`; 0: K. channel_multiplier, max_channels: widths, see `renderer.channels_at`. coarse_size:
    shorter side of `Synthesis.coarse`, pixels.
    """

    slot_of_code: Tensor
    grouped = ()

    def __init__(
        self,
        *,
        classes: int,
        height: int,
        width: int,
        latent_channels: int = 512,
        mapping_layers: int = 8,
        mapping_rate: float = 0.01,
        channel_multiplier: float = 2.0,
        max_channels: int = 512,
        coarse_size: int = 64,
        mask_rank: int = 0,
        noise: bool = True,
    ) -> None:
        super().__init__()
        short = min(height, width)
        self.classes, self.height, self.width, self.latent_channels = classes, height, width, latent_channels
        self.grid = (coarse_size * height // short, coarse_size * width // short)
        times = halvings(short)
        first = short >> times  # 4 or 3
        sizes = [first << i for i in range(times + 1)]  # 4, 8, ..., short, or 3, 6, ..., short
        channels = [channels_at(size, channel_multiplier, max_channels) for size in sizes]
        self.layout = LayerLayout(classes, 2 * len(sizes))
        self.register_buffer("slot_of_code", torch.arange(self.layout.slots), persistent=False)
        self.mapping = Mapping(latent_channels, mapping_layers, mapping_rate)
        self.local = NoLocalGenerators(classes)
        self.start = nn.Parameter(torch.randn(1, channels[0], height >> times, width >> times))
        self.convs, self.heads = nn.ModuleList(), nn.ModuleList()
        before = None
        for size, wide in zip(sizes, channels, strict=True):
            if before is not None:
                self.convs.append(ModulatedConv(before, wide, latent_channels, up=True, noise=noise))
            self.convs.append(ModulatedConv(wide, wide, latent_channels, noise=noise))
            self.heads.append(ModulatedHead(wide, 3 + (mask_rank or classes), latent_channels))
            before = wide
            for number in range(len(self.convs) - (1 if size == first else 2), len(self.convs)):
                stored = torch.randn(1, 1, size * height // short, size * width // short) if noise else None
                self.register_buffer(f"noise_{number}", stored)
        self.basis = nn.Parameter(torch.randn(classes, mask_rank) / mask_rank**0.5) if mask_rank else None

    def map(self, z: Tensor) -> Tensor:
        """Normal z (B, S) -> intermediate latent code w (B, S)."""
        return self.mapping(z)

    def expand(self, latent: Tensor) -> Tensor:
        """w (B, S) or codes (B, layers, S) -> codes. See `LayerLayout`."""
        return self.layout.expand(latent)

    def local_codes(self, codes: Tensor) -> Tensor:
        """The codes of the local generators: there are none, so all codes."""
        return codes

    def driven_styles(self, slots: Sequence[int]) -> list[Tensor]:
        """The affine maps (rows, S) from a code to the styles that it drives, for these latent slots, each once."""
        layers = [*enumerate(self.convs), *((2 * number + 1, head) for number, head in enumerate(self.heads))]
        modulated = [layer for slot, layer in layers if slot in slots]
        return [layer.style.affine.weight for layer in modulated if isinstance(layer, (ModulatedConv, ModulatedHead))]

    def mix(self, first: Tensor, second: Tensor, choice: Tensor) -> Tensor:
        """Style mixing of two w (B, S) by layer, see `LayerLayout.mix` -> codes (B, layers, S)."""
        return self.layout.mix(first, second, choice)

    def forward(
        self,
        codes: Tensor,
        noise: Literal["stored", "fresh"] = "stored",
        truncation: float = 1.0,
        mean_code: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Synthesis:
        """codes: (B, S) or (B, layers, S). noise, truncation, mean_code: as of `Generator`.

        The coarse mask is the mask averaged over cells, so that the loss that ties the two is 0, and the pseudo-depth
        is its lead over class 0. Raises ValueError as `Generator` does, and for classes (B, K) or (K,) that lack one.
        """
        if noise not in ("stored", "fresh"):
            raise ValueError(f"noise={noise!r}; expected 'stored' or 'fresh'")
        if classes is not None and not classes.all():
            raise ValueError("a global generator draws all classes")
        if truncation != 1.0:
            if mean_code is None:
                raise ValueError("truncation needs mean_code, the mean of many w")
            codes = mean_code + truncation * (codes - mean_code)
        codes = self.expand(codes)  # (B, L, S)
        drawn = self._draw(codes, noise == "fresh")  # (B, 3 + E, H, W)
        mask = SemanticMap(self.classes, refinement=drawn[:, 3:], basis=self.basis)
        coarse = mask.pooled(*self.grid)  # (B, K, h, w)
        return Synthesis(drawn[:, :3], mask, coarse, coarse - coarse[:, :1])

    def _draw(self, codes: Tensor, fresh_noise: bool) -> Tensor:
        """Codes (B, L, S) -> colours and mask (B, 3 + E, H, W), summed over the resolutions.

        A resolution's head shares its code with the first convolution of the next resolution.
        """
        batch = codes.shape[0]
        x = self.start.expand(batch, -1, -1, -1).contiguous(memory_format=torch.channels_last)  # (B, C, 4, 4)
        total: Tensor | None = None
        for number, conv in enumerate(self.convs):
            x = conv(x, codes[:, number], self._noise(number, batch, fresh_noise))  # (B, C, r, r)
            if number % 2 == 0:  # the last convolution of its resolution
                more = widened(self.heads[number // 2](x, codes[:, number + 1]))  # (B, 3 + E, r, r)
                total = more if total is None else upsample(total) + more
        assert total is not None  # there is at least the first resolution
        return total

    def _noise(self, number: int, batch: int, fresh: bool) -> Tensor | None:
        stored = getattr(self, f"noise_{number}")  # (1, 1, r, r)
        return torch.randn_like(stored.expand(batch, -1, -1, -1)) if fresh and stored is not None else stored
