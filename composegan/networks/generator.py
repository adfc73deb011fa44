"""The generator: latent codes to a picture, its mask, and the layers it was composed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from composegan.networks.local_bank import LocalBank
from composegan.networks.mapping import Mapping
from composegan.networks.renderer import Renderer
from composegan.networks.routing import Routing
from composegan.networks.semantic_map import SemanticMap
from composegan.networks.slots import SlotLayout
from composegan.networks.texture import TextureRouting


@dataclass(frozen=True)
class Synthesis:
    """The output of the generator.

    image: (B, 3, H, W), about -1..1; mask: the refined mask as a SemanticMap;
    coarse: (B, K, h, w) in -1..1, the composition weights as `2 m - 1`; depth: (B, K, h, w), pseudo-depth,
    higher is nearer, 0 for class 0, -inf for an absent class. foremost: the class of each pixel, (B, H, W) int64, of
    generators that find it anyway.
    """

    image: Tensor
    mask: SemanticMap
    coarse: Tensor
    depth: Tensor
    foremost: Tensor | None = None

    @property
    def present(self) -> Tensor:
        """Which classes each picture has, (B, K) bool."""
        return self.depth[:, :, 0, 0].isfinite()


class Generator(nn.Module):
    """SemanticStyleGAN's generator for any vocabulary, grouping and rectangle. The defaults are the paper's.

    group_of: the group (0..G-1) whose weights each of the K classes uses; None: each class its own (the paper).
    transparent: indices of classes composed over the others. height, width: of the picture, pixels.
    coarse_size, min_feat_size: shorter sides, pixels. The other sizes are described in `config.schema.ModelConfig`.
    """

    COMPILED: ClassVar[tuple[str, ...]] = ("draw",)
    """The methods that `trainer.compile` compiles, each as one graph: nearly all of the work, but nothing that depends
    on the values of `classes`."""

    slot_of_code: Tensor

    def __init__(
        self,
        *,
        classes: int,
        height: int,
        width: int,
        group_of: Sequence[int] | None = None,
        transparent: Sequence[int] = (),
        latent_channels: int = 512,
        mapping_layers: int = 8,
        mapping_rate: float = 0.01,
        local_layers: int = 10,
        base_layers: int = 2,
        depth_layers: int = 6,
        local_channels: int = 64,
        coarse_channels: int = 512,
        coarse_size: int = 64,
        min_feat_size: int = 16,
        channel_multiplier: float = 2.0,
        max_channels: int = 512,
        residual_refine: bool = True,
        mask_rank: int = 0,
        noise: bool = True,
        recompute: bool = True,
        adapter_rank: int = 0,
        embedding: bool | None = None,
        texture_threshold: float = 0.0,
        texture_capacity: float = 1.0,
    ) -> None:
        super().__init__()
        short, long = min(height, width), max(height, width)
        self.classes, self.height, self.width, self.latent_channels = classes, height, width, latent_channels
        self.layout = self._layout(classes, local_layers, base_layers, depth_layers)
        self.register_buffer("slot_of_code", torch.tensor(self.layout.slot_of_code()), persistent=False)
        self.mapping = Mapping(latent_channels, mapping_layers, mapping_rate)
        self.local = self._bank(
            group_of=tuple(range(classes)) if group_of is None else tuple(group_of),
            transparent=transparent,
            height=coarse_size * height // short,
            width=coarse_size * width // short,
            octaves=long.bit_length() - 1,
            latent_channels=latent_channels,
            layers=local_layers,
            depth_layers=depth_layers,
            channels=local_channels,
            feature_channels=coarse_channels,
            recompute=recompute,
            adapter_rank=adapter_rank,
            embedding=embedding,
            texture=TextureRouting(texture_threshold, texture_capacity),
        )
        self.renderer: Any = self._renderer(
            noise,
            classes=classes,
            height=height,
            width=width,
            coarse_size=coarse_size,
            min_feat_size=min_feat_size,
            feature_channels=coarse_channels,
            channel_multiplier=channel_multiplier,
            max_channels=max_channels,
            residual_refine=residual_refine,
            mask_rank=mask_rank,
        )

    def _layout(self, classes: int, local_layers: int, base_layers: int, depth_layers: int) -> SlotLayout:
        return SlotLayout(classes, local_layers, base_layers, depth_layers)

    def _bank(self, **sizes: Any) -> LocalBank:
        return LocalBank(**sizes)

    def _renderer(self, noise: bool, **sizes: Any) -> Any:
        return Renderer(noise=noise, **sizes)

    @property
    def grouped(self) -> tuple[Any, ...]:
        """The modules whose weights classes share by groups, see `composegan.grouping.split`."""
        return (self.local,)

    def map(self, z: Tensor) -> Tensor:
        """Normal z (B, S) -> intermediate latent code w (B, S)."""
        return self.mapping(z)

    @property
    def candidates(self) -> int:
        """How many random codes `choose` chooses from."""
        return 1

    def choose(self, z: Tensor, chance: Tensor, classes: Tensor) -> Tensor:
        """Random z (B, candidates, S), uniform random numbers (B, candidates), class sets (B, K) -> z (B, S), one for
        each picture, which fits its class set. See `composegan.networks.fitting`."""
        return z[:, 0]

    def expand(self, latent: Tensor) -> Tensor:
        """w (B, S), slots (B, base + 2K, S) or codes -> codes (B, K * local_layers, S). See `SlotLayout`."""
        return self.layout.expand(latent, self.slot_of_code)

    def local_codes(self, codes: Tensor) -> Tensor:
        """The codes that drive the local generators, of all codes (B, N, S) -> (B, K * layers of `local`, S)."""
        return codes

    def driven_styles(self, slots: Sequence[int]) -> list[Tensor]:
        """The affine maps (rows, S) from a code to the styles that it drives, for these latent slots, each once.

        A shape code drives its class's layers up to the pseudo-depth head except the base layers, which take the base
        codes (class 0, the background, takes none and its shape code drives those too). A texture code drives the rest.
        """
        layout, bank = self.layout, self.local
        places = [divmod(code, layout.local_layers) for code, slot in enumerate(layout.slot_of_code()) if slot in slots]
        driven = sorted({(layer, bank.group_of[index]) for index, layer in places if layer < bank.layers})
        return [bank.style_weight[layer, group] for layer, group in driven]

    def mix(self, first: Tensor, second: Tensor, choice: Tensor) -> Tensor:
        """Style mixing of two w (B, S) by class, see `SlotLayout.mix` -> slots (B, base + 2K, S)."""
        return self.layout.mix(first, second, choice)

    def forward(
        self,
        codes: Tensor,
        noise: Literal["stored", "fresh"] = "stored",
        truncation: float = 1.0,
        mean_code: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Synthesis:
        """codes: (B, S), (B, base + 2K, S) or (B, K * local_layers, S).

        noise: the render net's stored noise maps, or fresh ones. truncation psi: `mean + psi (w - mean)`, needs
        mean_code (S,) unless 1. classes: (B, K) or (K,), true for the classes to compose, best on the CPU (on another
        device this synchronizes); the others are not computed. None: all.
        Raises ValueError for another latent shape, an unknown noise, a truncation without a mean, or a picture without
        any class.
        """
        if noise not in ("stored", "fresh"):
            raise ValueError(f"noise={noise!r}; expected 'stored' or 'fresh'")
        codes, routing = self._inputs(codes, truncation, mean_code, classes)  # (B, K L, S)
        return self.draw(codes, routing, noise == "fresh")

    def draw(self, codes: Tensor, routing: Routing | None, fresh_noise: bool = False) -> Synthesis:
        """codes (B, K L, S) and the (sample, class) pairs to compute, None for all, as of `LocalBank.route`."""
        features, m, depth = self.local(self.local_codes(codes), routing)  # (B, F, h, w), (B, K, h, w) twice
        coarse = 2 * m - 1  # (B, K, h, w)
        image, mask = self.renderer(features, coarse, fresh_noise)  # (B, 3, H, W)
        return Synthesis(image, mask, coarse, depth)

    def _inputs(
        self,
        codes: Tensor,
        truncation: float = 1.0,
        mean_code: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> tuple[Tensor, Routing | None]:
        """Codes (B, K L, S) of any latent, truncated, and the (sample, class) pairs to compute; as for `forward`."""
        if truncation != 1.0:
            if mean_code is None:
                raise ValueError("truncation needs mean_code, the mean of many w")
            codes = mean_code + truncation * (codes - mean_code)
        codes = self.expand(codes)  # (B, K L, S)
        if classes is not None:
            classes = classes.expand(len(codes), -1).cpu()  # (B, K)
            classes = None if classes.all() else classes
        return codes, self.local.route(classes, len(codes))
