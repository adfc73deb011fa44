"""A small segmenter, trained on the real set, whose masks of generated pictures are compared with the generator's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.data.cache import write_cached
from composegan.data.fingerprints import digest
from composegan.errors import UserError
from composegan.evaluation.real import RealSet
from composegan.io.tensor_file import read_safetensors
from composegan.metrics.backbone import efficientnet_lite0
from composegan.metrics.figure import TooFewImagesError
from composegan.metrics.layout import confusion
from composegan.runtime.progress import progress_bar

SIDE = 128
"""Larger pictures are resized to this shorter side before they are segmented."""
IMAGES, HELD_OUT, STEPS, BATCH, RATE = 4000, 0.1, 500, 16, 1e-2
JITTER, NOISE = 0.2, 0.1
"""In training, colours are scaled by up to JITTER, and noise of a deviation of up to NOISE is added: masks of generated
pictures should depend on what is drawn, not on a tint or grain that real pictures lack."""
CHANNELS = (16, 24, 40, 112, 320)
WIDTHS = (16, 24, 32, 48, 48)


class Segmenter(nn.Module):
    """A U-Net with a frozen EfficientNet-Lite0 as encoder, beside two learned convolutions at full size.

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
        sides = [across(x) for across, x in zip(self.across, maps, strict=True)]  # each (N, w, H / s, W / s)
        x = self.up[-1](sides[-1])  # (N, v, H / 32, W / 32)
        for up, side in zip(reversed(self.up[:-1]), reversed(sides[:-1]), strict=True):
            x = up(side + F.interpolate(x, side.shape[2:]))  # (N, v, H / s, W / s)
        x = torch.cat((self.stem(images), F.interpolate(x, images.shape[2:])), dim=1)  # (N, 2 w, H, W)
        return self.head(self.join(x))  # (N, K, H, W)


@dataclass(frozen=True)
class Trained:
    """A trained segmenter, and its confusions (K, K) int64 on `held_out` real images that were not trained on.

    held_out_pixels: with their own masks; other_pixels: with the mask of the next image instead; blurred_pixels: of the
    images at half their size and back.
    """

    network: Segmenter
    held_out_pixels: Tensor
    other_pixels: Tensor
    blurred_pixels: Tensor
    held_out: int
    learned_from: int

    def predict(self, images: Tensor) -> Tensor:
        """Images (N, 3, h, w) in -1..1, resized by `shrink` -> labels (N, h, w) uint8."""
        return predict(self.network, images)


@torch.inference_mode()
def predict(network: Segmenter, images: Tensor) -> Tensor:
    """Images (N, 3, h, w) in -1..1 -> labels (N, h, w) uint8."""
    return network(images).argmax(dim=1).byte()


def shrink(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 images (N, 3, H, W) and labels (N, H, W) -> images in -1..1 and labels, of a shorter side of at most SIDE.

    Images are antialiased; labels take the class at each new pixel's centre.
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

    It uses at most IMAGES of them, of which the last tenth is held out. Raises UserError for fewer than 2.
    """
    numbers = real.numbers[:IMAGES]
    if len(numbers) < 2:
        raise TooFewImagesError(f"the real set, {real.name}, has {len(numbers)} images; a segmenter needs at least 2")
    held_out = max(1, round(HELD_OUT * len(numbers)))
    key = digest([len(numbers), HELD_OUT, STEPS, BATCH, RATE, JITTER, NOISE, CHANNELS, WIDTHS, SIDE])
    path = real.folder / f"segmenter-{key}.safetensors" if real.folder else None
    efficientnet_lite0().to(device)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Segmenter(real.classes).to(device)
        found = _load(path, network)
        if found is None:
            images, labels = _read(real, numbers[:-held_out])
            train(network, images, labels, STEPS)
    network.eval()
    whole = found is not None or len(images) == len(numbers) - held_out
    pixels = found or {}
    if not pixels:
        images, labels = _read(real, numbers[-held_out:])
        whole = whole and len(images) == held_out
        pixels = _held_out(network, images, labels)
        if path and whole:  # a skipped image may be readable the next time
            content = to_bytes({**network.cpu().state_dict(), **pixels})
            write_cached(path, lambda temporary: temporary.write_bytes(content))
            network.to(device)
    return Trained(network, **pixels, held_out=held_out, learned_from=len(numbers) - held_out)


CONFUSIONS = ("held_out_pixels", "other_pixels", "blurred_pixels")


def _load(path: Path | None, network: Segmenter) -> dict[str, Tensor] | None:
    """Load the network from its file and return the file's confusions; None if it is missing or damaged.

    {}: an older version, which wrote fewer confusions; the network is loaded.
    """
    try:
        state = read_safetensors(path) if path else {}
        classes = network.head.out_channels
        pixels = {name: state.pop(name).long() for name in CONFUSIONS if name in state}
        if "held_out_pixels" not in pixels or any(each.shape != (classes, classes) for each in pixels.values()):
            return None
        network.load_state_dict(state)
    except (OSError, ValueError, safetensors.SafetensorError, KeyError, RuntimeError):
        return None
    return pixels if len(pixels) == len(CONFUSIONS) else {}


@torch.inference_mode()
def _held_out(network: Segmenter, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """`CONFUSIONS` of uint8 images (N, 3, h, w) and labels (N, h, w)."""
    device, classes = network.head.weight.device, network.head.out_channels

    def seen(images: Tensor) -> Tensor:
        batches = (some.float().div(127.5).sub(1).to(device) for some in images.split(32))
        return torch.cat([predict(network, batch).cpu() for batch in batches])

    plain, blurred = seen(images), seen(blur(images))
    pairs = ((labels, plain), (labels.roll(1, 0), plain), (labels, blurred))
    return {name: confusion(*pair, classes) for name, pair in zip(CONFUSIONS, pairs, strict=True)}


def blur(images: Tensor) -> Tensor:
    """Images (N, 3, h, w) uint8, averaged over blocks of 2 x 2 pixels and enlarged bilinearly, as float."""
    return F.interpolate(F.avg_pool2d(images.float(), 2), images.shape[2:], mode="bilinear")


def _read(real: RealSet, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
    """All images as bytes, and labels, at the segmenter's size."""
    parts = []
    for images, labels in real.batches(numbers):
        images, labels = shrink(images, labels)
        parts.append((images.add(1).mul(127.5).round().clamp(0, 255).byte(), labels))
    if not parts:
        raise UserError(f"the real set, {real.name}, has no readable image")
    return torch.cat([images for images, _ in parts]), torch.cat([labels for _, labels in parts])


def train(network: Segmenter, images: Tensor, labels: Tensor, steps: int) -> None:
    """Minimize cross entropy, weighted by one over the root of a class's share, so that small classes count.

    images: (N, 3, h, w) uint8; labels: (N, h, w) uint8; batches of BATCH.
    """
    classes, device = network.head.out_channels, network.head.weight.device
    share = torch.bincount(labels.flatten().int(), minlength=classes) / labels.numel()
    weight = (share + 1e-3).rsqrt()
    weight = (weight / (weight * share).sum()).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    with progress_bar("Training a segmenter", steps) as advance:
        for _ in range(steps):
            chosen = torch.randint(len(images), (BATCH,))
            batch = _jitter(images[chosen].float().div_(127.5).sub_(1)).to(device)
            loss = F.cross_entropy(network(batch), labels[chosen].to(device).long(), weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            advance(1)


def _jitter(images: Tensor) -> Tensor:
    """Images (N, 3, H, W) with random colours and noise, see JITTER; drawn on the CPU for any device."""
    gain = 1 + JITTER * (2 * torch.rand(len(images), 3, 1, 1) - 1)
    return images * gain + NOISE * torch.rand(len(images), 1, 1, 1) * torch.randn_like(images)


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.SiLU())
