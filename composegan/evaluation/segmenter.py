"""A small segmenter, trained on the real set: an opinion of its own on where the classes are in a picture.

What it says of a generated picture is held against the mask that the generator gave with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.data.cache import digest
from composegan.errors import UserError
from composegan.evaluation.real import RealSet
from composegan.io.atomic import atomic_file
from composegan.metrics.backbone import efficientnet_lite0
from composegan.metrics.layout import confusion
from composegan.runtime.progress import progress_bar

SIDE = 128
"""Larger pictures are brought to this shorter side before they are segmented."""
IMAGES, HELD_OUT, STEPS, BATCH, RATE = 4000, 0.1, 500, 16, 1e-2
JITTER, NOISE = 0.2, 0.1
"""Colours are scaled by up to that much, and noise of up to that deviation added, while it learns: what it thinks of a
generated picture should hang on what is drawn there, and not on a tint or a grain that real ones do not have."""
CHANNELS = (16, 24, 40, 112, 320)
WIDTHS = (16, 24, 32, 48, 48)


class Segmenter(nn.Module):
    """A U-Net whose way down is EfficientNet-Lite0, frozen, beside two convolutions at full size that are learned.

    Images (N, 3, H, W) in -1..1 -> logits (N, K, H, W).
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(_convolution(3, WIDTHS[0]), _convolution(WIDTHS[0], WIDTHS[0]))
        self.across = nn.ModuleList(nn.Conv2d(c, w, 1) for c, w in zip(CHANNELS, WIDTHS, strict=True))
        self.up = nn.ModuleList(_convolution(w, v) for w, v in zip(WIDTHS, (WIDTHS[0], *WIDTHS), strict=False))
        self.join = _convolution(2 * WIDTHS[0], WIDTHS[0])
        self.head = nn.Conv2d(WIDTHS[0], classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            maps = efficientnet_lite0().pyramid(images)  # each (N, C, H / s, W / s), s from 2 to 32
        x: Tensor | None = None
        for level in reversed(range(len(maps))):
            side = self.across[level](maps[level])  # (N, w, H / s, W / s)
            x = side if x is None else side + F.interpolate(x, side.shape[2:])  # (N, w, H / s, W / s)
            x = self.up[level](x)  # (N, v, H / s, W / s)
        x = torch.cat((self.stem(images), F.interpolate(x, images.shape[2:])), dim=1)  # (N, 2 w, H, W)
        return self.head(self.join(x))  # (N, K, H, W)


@dataclass(frozen=True)
class Trained:
    """A trained segmenter, and its confusion (K, K) int64 on `held_out` real images that it has not learned from."""

    network: Segmenter
    held_out_pixels: Tensor
    held_out: int
    learned_from: int

    @torch.inference_mode()
    def predict(self, images: Tensor) -> Tensor:
        """Images (N, 3, h, w) in -1..1, of the size `shrink` gives -> labels (N, h, w) uint8."""
        return self.network(images).argmax(dim=1).byte()


def shrink(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 images (N, 3, H, W) -> -1..1, and labels, both brought to a shorter side of at most SIDE.

    The images antialiased, labels by the class at each new pixel's centre.
    """
    images = images.float().div(127.5).sub(1)
    height, width = labels.shape[1:]
    if min(height, width) > SIDE:
        size = [round(side * SIDE / min(height, width)) for side in (height, width)]
        images = F.interpolate(images, size, mode="bilinear", antialias=True)
        labels = F.interpolate(labels[:, None], size, mode="nearest-exact")[:, 0]
    return images, labels


def trained_segmenter(real: RealSet, device: torch.device) -> Trained:
    """The segmenter of a real set: from the cache, or trained for STEPS steps of BATCH images.

    It learns from at most IMAGES of them, the last tenth of which is held out. Raises UserError for fewer than 2.
    """
    numbers = real.numbers[:IMAGES]
    if len(numbers) < 2:
        raise UserError(f"the real set, {real.name}, has {len(numbers)} images; a segmenter needs at least 2")
    held_out = max(1, round(HELD_OUT * len(numbers)))
    key = digest([len(numbers), HELD_OUT, STEPS, BATCH, RATE, JITTER, NOISE, CHANNELS, WIDTHS, SIDE])
    path = real.folder / f"segmenter-{key}.safetensors" if real.folder else None
    facts = held_out, len(numbers) - held_out
    efficientnet_lite0().to(device)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Segmenter(real.classes).to(device)
        if (found := _load(path, network)) is not None:
            return Trained(network.eval(), found, *facts)
        images, labels = _read(real, numbers[:-held_out])
        _train(network, images, labels, device)
    network.eval()
    read = len(images)
    trained = Trained(network, torch.zeros(real.classes, real.classes, dtype=torch.int64), *facts)
    for images, labels in real.batches(numbers[-held_out:]):
        read += len(images)
        images, labels = shrink(images, labels)
        trained.held_out_pixels.add_(confusion(labels, trained.predict(images.to(device)).cpu(), real.classes))
    if path and read == len(numbers):  # what was passed over may be readable the next time
        with atomic_file(path) as temporary:
            save_file({**network.cpu().state_dict(), "held_out_pixels": trained.held_out_pixels}, temporary)
        network.to(device)
    return trained


def _load(path: Path | None, network: Segmenter) -> Tensor | None:
    """Fill the network from its file. Returns the confusion that is in it; None when it is not there, or damaged."""
    try:
        state = load_file(path) if path else {}
        pixels = state.pop("held_out_pixels")
        network.load_state_dict(state)
    except (OSError, safetensors.SafetensorError, KeyError, RuntimeError):
        return None
    return pixels


def _read(real: RealSet, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
    """All at once, at the segmenter's size, the images still as bytes."""
    parts = []
    for images, labels in real.batches(numbers):
        images, labels = shrink(images, labels)
        parts.append((images.add(1).mul(127.5).round().clamp(0, 255).byte(), labels))
    if not parts:
        raise UserError(f"the real set, {real.name}, has no image that can be read")
    images, labels = zip(*parts, strict=True)
    return torch.cat(images), torch.cat(labels)


def _train(network: Segmenter, images: Tensor, labels: Tensor, device: torch.device) -> None:
    """Cross entropy, in which a class counts by one over the root of its share, so that small ones are learned too."""
    classes = network.head.out_channels
    share = torch.bincount(labels.flatten().int(), minlength=classes) / labels.numel()
    weight = (share + 1e-3).rsqrt()
    weight = (weight / (weight * share).sum()).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    with progress_bar("Training a segmenter", STEPS) as advance:
        for _ in range(STEPS):
            chosen = torch.randint(len(images), (BATCH,))
            batch = _jitter(images[chosen].float().div_(127.5).sub_(1)).to(device)
            loss = F.cross_entropy(network(batch), labels[chosen].to(device).long(), weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            advance(1)


def _jitter(images: Tensor) -> Tensor:
    """Images (N, 3, H, W) with colours and noise of their own, see JITTER; drawn on the CPU for any device."""
    gain = 1 + JITTER * (2 * torch.rand(len(images), 3, 1, 1) - 1)
    return images * gain + NOISE * torch.rand(len(images), 1, 1, 1) * torch.randn_like(images)


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.SiLU())
