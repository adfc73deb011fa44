"""The generator of `model.family=modern`: shape in the local generators, texture after the last convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from composegan.networks.fitting import CANDIDATES, first_fit
from composegan.networks.foremost import foremost_of
from composegan.networks.generator import Generator, Synthesis
from composegan.networks.late_texture import LateTexture, mean_colors
from composegan.networks.layered import Hidden, Layers, distinct, layer_order, layer_weights, layers_of
from composegan.networks.layers import squares
from composegan.networks.layout import UNSEEN, composed, held, opened
from composegan.networks.modern_bank import ModernBank
from composegan.networks.modern_renderer import ModernRenderer
from composegan.networks.routing import Routing
from composegan.networks.semantic_map import label_shares
from composegan.networks.slots import SlotLayout


class ModernGenerator(Generator):
    """A class's local generator is driven by its shape code only; its texture code colours the pixels of its mask.

    texture_layers, foremost, sharpness: see `LateTexture`. settings: those of `Generator`; it has no noise maps.
    """

    COMPILED: ClassVar[tuple[str, ...]] = ("draw", "redraw")

    local: ModernBank

    def __init__(
        self, *, shapes: int = 0, texture_layers: int = 2, foremost: int = 2, sharpness: float = 4.0, **settings: Any
    ) -> None:
        self._shapes = shapes
        super().__init__(**{**settings, "noise": False})
        self.texture = LateTexture(
            group_of=self.local.group_of,
            channels=self.renderer.channels,
            latent_channels=self.latent_channels,
            layers=texture_layers,
            foremost=foremost,
            sharpness=sharpness,
            embedding=self.local.embedding is not None,
        )

    def _layout(self, classes: int, local_layers: int, base_layers: int, depth_layers: int) -> SlotLayout:
        return SlotLayout(classes, local_layers + 1, base_layers, local_layers)  # the last code is the texture's

    def _bank(self, **sizes: Any) -> ModernBank:
        return ModernBank(shapes=self._shapes, **sizes)

    def _renderer(self, noise: bool, **sizes: Any) -> ModernRenderer:
        return ModernRenderer(**sizes)

    def draw(self, codes: Tensor, routing: Routing | None, fresh_noise: bool = False) -> Synthesis:
        """As of `Generator`; codes: (B, K * (local_layers + 1), S). Without noise, fresh or not."""
        return self._painted(codes, routing, *self._shaped(codes, routing))

    def with_layout(
        self,
        codes: Tensor,
        layout: Tensor,
        truncation: float = 1.0,
        mean_code: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Synthesis:
        """As `forward`, with the class of some pixels given: layout (B, H, W) uint8, OPEN where the codes decide."""
        codes, routing = self._inputs(codes, truncation, mean_code, classes)  # (B, K (L + 1), S)
        return self._painted(codes, routing, *self._laid_out(codes, routing, layout))

    def repaint(self, codes: Tensor, image: Tensor, labels: Tensor, classes: Tensor | None = None) -> Synthesis:
        """Draw real pictures anew from their layouts: the label maps (B, H, W), composed in place of generated masks,
        and the mean colour of each class in `image` (B, 3, H, W). Everything else comes from codes, as of `forward`.

        classes: those in the label maps, (B, K) bool, on the CPU; None: all are computed, with the same result up to
        the share `UNSEEN` of those that are in none."""
        codes, routing = self._inputs(codes, classes=classes)  # (B, K (L + 1), S)
        return self.redraw(codes, routing, image, labels)

    def redraw(self, codes: Tensor, routing: Routing | None, image: Tensor, labels: Tensor) -> Synthesis:
        """As `repaint`, from codes (B, K (L + 1), S)."""
        shares = label_shares(labels, self.classes, *self.local.grid)  # (B, K, h, w)
        unseen = UNSEEN if routing is None else UNSEEN * routing.present[..., None, None]  # (B, K, 1, 1)
        x, made = self._shaped(codes, routing, (shares + unseen).log())
        return self._painted(codes, routing, x, made, mean_colors(image, labels, self.classes))

    def _painted(
        self, codes: Tensor, routing: Routing | None, x: Tensor, made: Synthesis, colors: Tensor | None = None
    ) -> Synthesis:
        """`made` with the picture that the foremost classes of each pixel paint on x (B, C, H, W)."""
        value, index = foremost_of(made.mask, self.texture.foremost, routing)  # (B, n, P) twice
        image = self.texture(x, value, index, self._textures(codes), colors)  # (B, 3, H, W)
        return replace(made, image=image, foremost=index[:, 0].view(len(x), *x.shape[2:]))

    @property
    def candidates(self) -> int:
        return 1 if self.local.shapes is None else CANDIDATES

    @torch.no_grad()
    def choose(self, z: Tensor, chance: Tensor, classes: Tensor) -> Tensor:
        if self.local.shapes is None:
            return z[:, 0]
        batch, count = z.shape[:2]
        classes = classes.to(z.device, non_blocking=True).repeat_interleave(count, dim=0)  # (B M, K)
        fit = self.local.shapes.fit(self.map(z.flatten(0, 1)), classes).unflatten(0, (batch, count))  # (B, M)
        return z.take_along_dim(first_fit(fit, chance)[:, None, None], dim=1)[:, 0]  # (B, S)

    def local_codes(self, codes: Tensor) -> Tensor:
        """codes (B, K (L + 1), S) -> (B, K L, S), without those of texture."""
        return codes.unflatten(1, (self.classes, -1))[:, :, :-1].flatten(1, 2)

    def typical(self, codes: Tensor, squared: int = 0, classes: Tensor | None = None) -> Tensor | None:
        """The mean over pixels of `m^(2^squared)`, m the class weights with which a new model begins for these codes:
        (B, K), 0 for absent classes; None for a model without typical shapes. codes, classes: as of `forward`."""
        codes, routing = self._inputs(codes, classes=classes)  # (B, K (L + 1), S)
        m = self.local.typical(self.local_codes(codes), routing)  # (B, Q, h, w)
        if m is None:
            return None
        areas = squares(m, squared).mean(dim=(2, 3))  # (B, Q)
        if routing is None:
            return areas  # (B, K)
        pairs = areas.flatten().index_select(0, routing.seat)  # (N)
        return areas.new_zeros(len(codes) * self.classes).index_copy(0, routing.pair, pairs).view(len(codes), -1)

    def driven_styles(self, slots: Sequence[int]) -> list[Tensor]:
        """As of `Generator`. A texture code drives the maps of its class in `LateTexture`; a shape code also chooses a
        typical shape, and the base code a view."""
        first, texture, shapes = self.layout.shape_slot(0), self.texture, self.local.shapes
        own = [divmod(slot - first, 2) for slot in slots if slot >= first]  # class; 0: shape, 1: texture
        groups = sorted({texture.group_of[index] for index, part in own if part == 1})
        maps = [torch.cat((*texture.style_weight[:, g], texture.color_weight[g])) for g in groups]
        if shapes is not None:
            maps += [shapes.weight[index] for index, part in own if part == 0]
            maps += [shapes.view_weight] * any(slot < first for slot in slots)
        return super().driven_styles(slots) + maps

    def layers(
        self,
        codes: Tensor,
        truncation: float = 1.0,
        mean_code: Tensor | None = None,
        classes: Tensor | None = None,
        layout: Tensor | None = None,
    ) -> Layers:
        """The picture that `forward` or `with_layout` draws for the same arguments, as layers. What a layer hides is
        drawn without the classes of that layer and those in front of it: a pass more for each class."""
        codes, routing = self._inputs(codes, truncation, mean_code, classes)
        color, weight, made = self._colored(codes, routing, layout)
        present, order = made.present, layer_order(weight, made.depth)  # (B, K) twice
        rank = order.argsort(dim=1)  # (B, K)
        hidden = Hidden(color.clone(), weight.clone())
        for place in range(self.classes):
            at = torch.arange(len(codes), device=order.device), order[:, place]
            if not present[at].any():
                continue  # absent from all pictures
            behind = rank <= place  # (B, K)
            behind[:, 0] = True  # no picture is without its background
            colors, weights, _ = self._colored(codes, self.local.route(behind & present, len(codes)), layout)
            hidden.color[at], hidden.weight[at] = colors[at], distinct(weights)[at]
        return layers_of(color, weight, order, hidden)

    def _colored(
        self, codes: Tensor, routing: Routing | None, layout: Tensor | None
    ) -> tuple[Tensor, Tensor, Synthesis]:
        """codes (B, K (L + 1), S) -> the colours of each class (B, K, 3, H, W), their weights (B, K, H, W), and the
        synthesis without its image."""
        x, made = self._shaped(codes, routing) if layout is None else self._laid_out(codes, routing, layout)
        logits = self.texture.sharpness * made.mask.logits()  # (B, K, H, W)
        weight = layer_weights(logits, made.depth, self.texture.foremost)
        return self.texture.colors(x, weight, self._textures(codes)), weight, made

    def _textures(self, codes: Tensor) -> Tensor:
        """codes (B, K (L + 1), S) -> those of texture (B, K, S)."""
        return codes.unflatten(1, (self.classes, -1))[:, :, -1]

    def _laid_out(self, codes: Tensor, routing: Routing | None, layout: Tensor) -> tuple[Tensor, Synthesis]:
        """As `_shaped`, with the class of some pixels given (B, H, W); those of absent classes are open."""
        _, own = self._shaped(codes, routing)
        _, labels = foremost_of(own.mask, 1, routing)  # (B, 1, P)
        layout = opened(layout, own.present)  # (B, H, W)
        x, made = self._shaped(codes, routing, composed(layout, labels.view_as(layout), own.depth))
        return x, replace(made, mask=held(made.mask, layout))

    def _shaped(self, codes: Tensor, routing: Routing | None, layout: Tensor | None = None) -> tuple[Tensor, Synthesis]:
        """Everything but texture: codes (B, K (L + 1), S) -> the last map (B, C, H, W), and the synthesis without its
        image."""
        codes = self.local_codes(codes)  # (B, K L, S)
        features, m, depth = self.local(codes, routing, layout)  # (B, F, h/2, w/2), (B, K, h, w) twice
        coarse = 2 * m - 1  # (B, K, h, w)
        x, mask = self.renderer(features, coarse)  # (B, C, H, W)
        return x, Synthesis(x, mask, coarse, depth)

    @property
    def grouped(self) -> tuple[Any, ...]:
        return (self.local, self.texture)
