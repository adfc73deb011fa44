"""Late texture: a class's texture code enters after the last 3x3 convolution, in the pixels of that class only.

Each of the foremost classes of a pixel paints it with pointwise layers that its own texture code modulates; the
colours are mixed by the mask. The derivative of a pixel by the texture code of class k is therefore proportional to
the weight of k there: an edit of texture leaks no further than the mask is soft, at any picture size. Our own design;
the pointwise layers are those of StyleGAN2 (arXiv 1912.04958) without demodulation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.networks.layers import GAIN, activate

STYLE, PICTURE = 0.3, 0.3
"""Standard deviations of the weights at the start: of style maps, and of the map to a picture."""
LEAST = 1e-3
"""Added to the number of pixels of a class, which may be 0."""
RATE = 0.25
"""Learning rate of colours relative to other weights: they begin right, and small classes have noisy gradients."""
UNKNOWN = 0.3
"""Standard deviation of all colours at the start, where `set_colors` does not set them from data."""


class LateTexture(nn.Module):
    """A feature map, the foremost classes of its pixels and texture codes -> picture.

    group_of: the group (0..G-1) whose style maps each of the K classes uses. layers: pointwise layers. foremost: how
    many classes paint a pixel. sharpness: factor of the logits in the softmax that mixes them. embedding: whether each
    class adds an embedding to its code; None: if classes share maps.
    """

    SHARED: ClassVar = {"style_weight": 1, "color_weight": 0}
    """As of `LocalBank`."""

    bucket: Tensor | None
    place: Tensor | None
    mean: Tensor
    tint: Tensor
    grain: Tensor

    def __init__(
        self,
        *,
        group_of: Sequence[int],
        channels: int,
        latent_channels: int,
        layers: int,
        foremost: int,
        sharpness: float,
        embedding: bool | None = None,
    ) -> None:
        super().__init__()
        classes, groups = len(group_of), max(group_of) + 1
        self.foremost, self.sharpness = min(foremost, classes), sharpness
        self.assign(group_of)
        self.style_weight = nn.Parameter(STYLE * torch.randn(layers, groups, 2 * channels, latent_channels))
        self.style_bias = nn.Parameter(
            torch.cat((torch.ones(layers, classes, channels), torch.zeros(layers, classes, channels)), dim=2)
        )
        self.weight = nn.Parameter(torch.randn(layers, channels, channels))
        self.bias = nn.Parameter(torch.zeros(layers, channels))
        self.picture_weight = nn.Parameter(PICTURE * torch.randn(3, channels))
        self.color_weight = nn.Parameter(torch.randn(groups, 3, latent_channels) / RATE)
        self.color_bias = nn.Parameter(torch.zeros(classes, 3))
        self.register_buffer("mean", torch.zeros(classes, 3))
        self.register_buffer("tint", UNKNOWN * torch.eye(3).repeat(classes, 1, 1))
        self.register_buffer("grain", torch.full((classes, 3), UNKNOWN))
        embedded = groups < classes if embedding is None else embedding
        self.embedding = nn.Parameter(torch.zeros(classes, latent_channels)) if embedded else None

    def assign(self, group_of: Sequence[int]) -> None:
        """Set the group of each class. `composegan.grouping.split` changes the weights to match."""
        self.group_of = tuple(group_of)
        members = [[k for k, group in enumerate(group_of) if group == g] for g in range(max(group_of) + 1)]
        most = max(map(len, members))
        seats = [k for group in members for k in (group + [0] * most)[:most]]  # G times `most` classes, 0: unused
        places = [group * most + members[group].index(k) for k, group in enumerate(group_of)]
        own = len(members) == len(self.group_of) and list(group_of) == sorted(group_of)
        device = self.style_weight.device if "style_weight" in self._parameters else None
        for name, index in (("bucket", seats), ("place", places)):
            self.register_buffer(name, None if own else torch.tensor(index, device=device), persistent=False)

    def styles(self, texture: Tensor) -> list[Tensor]:
        """Texture codes (B, K, S) -> a gain and a shift (B, K, C) for each layer, the class's colour (B, K, 3)
        and how far its pixels deviate from it (B, K, 3).

        The layer's bias and the gain of the activation are in the shift."""
        texture = texture if self.embedding is None else texture + self.embedding
        texture = texture.transpose(0, 1) / math.sqrt(texture.shape[-1])  # (K, B, S)
        style = self._by_group(texture, self.style_weight)  # (layers, K, B, 2C)
        bias = F.pad(self.bias * GAIN, (self.bias.shape[1], 0))[:, None]  # (layers, 1, 2C): none for the gains
        style = style.transpose(1, 2) + (self.style_bias + bias)[:, None]  # (layers, B, K, 2C)
        color = self._by_group(texture, self.color_weight[None])[0].transpose(0, 1)  # (B, K, 3)
        color = torch.einsum("kdc,bkc->bkd", self.tint, RATE * (color + self.color_bias)) + self.mean  # (B, K, 3)
        return [part for layer in style for part in layer.chunk(2, dim=2)] + [color, self.grain.expand_as(color)]

    @torch.no_grad()
    def set_colors(self, mean: Tensor, tint: Tensor, grain: Tensor, together: Tensor, codes: Tensor) -> None:
        """Set the units of colour of each class: the mean (K, 3), a factor (K, 3, 3) of its variation between pictures,
        and its deviation (K, 3) within one. A new model begins with such colours, and learns in these units.

        together: (K, K, 3, 3), the correlations of classes in these units; codes: random ones (N, S), whose colours
        vary by 1 and together in that way. The classes of a group begin equal, so that their map serves all."""
        groups, count = len(self.color_weight), min(3 * len(self.color_weight), codes.shape[1] // 2)
        source = self.color_weight.flatten(0, 1)[:count]  # (n, S), random directions of the code
        member = codes.new_zeros(groups, len(mean))
        member[list(self.group_of), list(range(len(mean)))] = 1
        member = member / member.sum(dim=1, keepdim=True)  # (G, K)
        wanted = torch.einsum("gk,hl,klij->gihj", member, member, together.to(member)).flatten(2).flatten(0, 1)
        values, vectors = torch.linalg.eigh((wanted + wanted.T) / 2)  # (3 G), (3 G, 3 G)
        factor = (vectors * values.clamp_min(0).sqrt())[:, -count:]  # (3 G, n)
        factor = inverse_root(factor.unflatten(0, (groups, 3))) @ factor.unflatten(0, (groups, 3))  # (G, 3, n)
        found = RATE * codes @ source.T / math.sqrt(codes.shape[1])  # (N, n)
        whiten = inverse_root((found - found.mean(dim=0)).T / math.sqrt(len(codes) - 1))  # (n, n)
        self.color_weight.copy_(factor @ whiten @ source)
        self.color_bias.copy_(-(factor @ whiten @ found.mean(dim=0))[list(self.group_of)] / RATE)
        self.mean.copy_(mean)
        self.tint.copy_(tint)
        self.grain.copy_(grain)

    def _by_group(self, codes: Tensor, weight: Tensor) -> Tensor:
        """codes (K, B, S), by the maps (n, G, out, S) of their groups -> (n, K, B, out). A map is far larger than a
        code, so the codes of a group are gathered rather than its maps repeated."""
        if self.bucket is None or self.place is None:  # each class is its own group
            return torch.matmul(codes, weight.transpose(2, 3))
        groups, batch = weight.shape[1], codes.shape[1]
        gathered = codes.index_select(0, self.bucket).unflatten(0, (groups, -1)).flatten(1, 2)  # (G, M B, S)
        out = torch.matmul(gathered, weight.transpose(2, 3))  # (n, G, M B, out)
        return out.unflatten(2, (-1, batch)).flatten(1, 2).index_select(1, self.place)  # (n, K, B, out)

    def paint(self, features: Tensor, styles: Sequence[Tensor]) -> Tensor:
        """features (..., P, C) and, as of `styles`, gains and shifts of the class at each position (..., P or 1, C)
        -> colours (..., P, 3), not yet centred and in no units."""
        x, scale, modulation = features, GAIN / math.sqrt(features.shape[-1]), styles
        for weight, gain, shift in zip(self.weight, modulation[::2], modulation[1::2], strict=True):
            x = activate(F.linear(x * gain, weight * scale).add_(shift))  # (..., P, C)
        return F.linear(x, self.picture_weight / math.sqrt(features.shape[-1]))  # (..., P, 3)

    def forward(
        self, features: Tensor, value: Tensor, index: Tensor, texture: Tensor, colors: Tensor | None = None
    ) -> Tensor:
        """features (B, C, H, W), the foremost classes `index` (B, n, P) of each pixel and their logits `value`, texture
        codes (B, K, S) -> (B, 3, H, W). colors: the classes' mean colours (B, K, 3), in place of those of the codes."""
        batch, classes = texture.shape[:2]
        weight = (self.sharpness * value).softmax(dim=1)[..., None]  # (B, n, P, 1)
        index = index + classes * torch.arange(batch, device=index.device)[:, None, None]  # (B, n, P): b K + k
        *modulation, color, grain = self.styles(texture)
        x = features.permute(0, 2, 3, 1).flatten(1, 2)[:, None]  # (B, 1, P, C)
        painted = self.paint(x, [rows(style.flatten(0, 1), index) for style in modulation])  # (B, n, P, 3)
        grain, color = grain.flatten(0, 1), (color if colors is None else colors).flatten(0, 1)  # (B K, 3) twice
        color = color - grain * centres(painted, weight, index, len(color))  # (B K, 3)
        picture = ((painted * rows(grain, index) + rows(color, index)) * weight).sum(dim=1)  # (B, P, 3)
        return picture.transpose(1, 2).unflatten(2, features.shape[2:])  # (B, 3, H, W)

    def colors(self, features: Tensor, weight: Tensor, texture: Tensor) -> Tensor:
        """The picture that each class paints, if it covers everything: (B, K, 3, H, W). weight: of the classes in each
        pixel (B, K, H, W); features and texture as of `forward`."""
        height, width = features.shape[2:]
        x = features.permute(0, 2, 3, 1).flatten(1, 2)  # (B, P, C)
        *modulation, color, grain = self.styles(texture)
        each = zip(*(style.transpose(0, 1)[:, :, None] for style in modulation), strict=True)  # K times (B, 1, C)
        painted = torch.stack([self.paint(x, of_class) for of_class in each], dim=1)  # (B, K, P, 3)
        shares = weight.flatten(2)[..., None]  # (B, K, P, 1)
        centre = (painted * shares).sum(dim=2) / (shares.sum(dim=2) + LEAST)  # (B, K, 3)
        painted = painted * grain[:, :, None] + (color - grain * centre)[:, :, None]  # (B, K, P, 3)
        return painted.transpose(2, 3).unflatten(3, (height, width))  # (B, K, 3, H, W)


def centres(painted: Tensor, weight: Tensor, index: Tensor, count: int) -> Tensor:
    """The mean of what each class paints in its own pixels: (N, 3).

    painted: (B, n, P, 3), by the foremost classes `index` (B, n, P), 0..N-1, that have a weight (B, n, P, 1) there.
    """
    sums = torch.cat((painted * weight, weight), dim=3).flatten(0, 2)  # (B n P, 4)
    sums = sums.new_zeros(count, 4).index_add(0, index.flatten(), sums)  # (N, 4)
    return sums[:, :3] / (sums[:, 3:] + LEAST)  # (N, 3)


def inverse_root(x: Tensor) -> Tensor:
    """x (..., n, N) -> `(x x^T)^(-1/2)` (..., n, n)."""
    values, vectors = torch.linalg.eigh(x @ x.mT)
    return (vectors * values.clamp_min(1e-6).rsqrt()[..., None, :]) @ vectors.mT


def rows(table: Tensor, index: Tensor) -> Tensor:
    """table (N, C), index (...) -> (..., C). Many indices are equal: on CPU the gradient is fastest by `index_add`, on
    a GPU by sorting, as `embedding` does."""
    if table.device.type != "cpu":
        return F.embedding(index, table)
    return table.index_select(0, index.flatten()).unflatten(0, index.shape)


def mean_colors(image: Tensor, labels: Tensor, classes: int) -> Tensor:
    """image (B, 3, H, W), labels (B, H, W) -> the mean colour of each class, (B, K, 3); 0 for absent ones."""
    batch = len(labels)
    index = labels.flatten(1).long() + classes * torch.arange(batch, device=labels.device)[:, None]  # (B, P)
    pixels = image.flatten(2).transpose(1, 2)[:, None]  # (B, 1, P, 3)
    found = centres(pixels, torch.ones_like(pixels[..., :1]), index[:, None], batch * classes)  # (B K, 3)
    return found.unflatten(0, (batch, classes))  # (B, K, 3)
