"""Perceptual distance of images: LPIPS if VGG-16's weights are available, else EfficientNet-Lite0's features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import torch
import torchmetrics.functional.image
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.io.guarded import reading
from composegan.io.tensor_file import read_weights
from composegan.metrics.backbone import efficientnet_lite0

LPIPS, EFFNET = "LPIPS-VGG", "EfficientNet-Lite0"
VGG_FILE = "vgg16-397923af.pth"
"""torchvision's file name for its ImageNet weights of VGG-16."""
STAGES = (3, 8, 15, 22, 29)
"""Indices of relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3 among VGG-16's layers."""
MEAN, SPREAD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""ImageNet's mean and deviation on the scale -1..1 (the release of Zhang et al., arXiv 1801.03924)."""


class PerceptualDistance(nn.Module, ABC):
    """LPIPS: how far a network's feature maps of two images are apart (Zhang et al., arXiv 1801.03924, equation 1).
    Frozen; differentiable with respect to the images.

    name: which network; size: shorter side that images are resized to first, pixels; 0 keeps their size.
    """

    name: str

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    @abstractmethod
    def features(self, images: Tensor) -> list[Tensor]:
        """Resized images in -1..1 -> maps (N, C, h, w) of several scales."""

    @abstractmethod
    def weighted(self, level: int, difference: Tensor) -> Tensor:
        """Squared differences (N, C, h, w) of a level's scaled maps, weighted and summed over channels: (N, h, w)."""

    def maps(self, images: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) in -1..1, any size -> `features` with length 1 over the channels at every place."""
        maps = self.features(resized(images, self.size) if self.size else images)
        return [x / (x.square().sum(dim=1, keepdim=True) + 1e-10).sqrt() for x in maps]

    def forward(self, maps: list[Tensor], others: list[Tensor]) -> Tensor:
        """The `maps` a and b of two batches -> `sum_l mean_p sum_c u_lc (a_lcp - b_lcp)^2`, weighted by u: (N,)."""
        levels = enumerate(zip(maps, others, strict=True))  # pairs of (N, C, h, w)
        parts = [self.weighted(level, (a - b).square()).mean(dim=(1, 2)) for level, (a, b) in levels]  # each (N,)
        return torch.stack(parts).sum(dim=0)  # (N,)


class EfficientNetDistance(PerceptualDistance):
    """Of EfficientNet-Lite0's maps of strides 2 to 32, with equal weights for channels and scales."""

    name = EFFNET

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.network = efficientnet_lite0()

    def features(self, images: Tensor) -> list[Tensor]:
        return self.network.pyramid(images)

    def weighted(self, level: int, difference: Tensor) -> Tensor:
        return difference.sum(dim=1) / 5  # (N, h, w)


class VGGDistance(PerceptualDistance):
    """LPIPS of VGG-16, version 0.1. layers: the result of `read_vgg`."""

    name = LPIPS
    mean: Tensor
    spread: Tensor

    def __init__(self, size: int, layers: Mapping[str, Tensor]) -> None:
        super().__init__(size)
        self.network = empty_vgg()
        own = {name: tensor for name, tensor in layers.items() if name[0].isdigit()}
        self.network.load_state_dict(own, assign=True)
        self.linear = nn.ParameterList([layers[f"linear{level}"] for level in range(len(STAGES))])  # each (C,)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("spread", torch.tensor(SPREAD)[:, None, None])
        self.requires_grad_(False).eval()

    def features(self, images: Tensor) -> list[Tensor]:
        x, maps = (images - self.mean) / self.spread, []
        for place, layer in enumerate(self.network):
            x = layer(x)
            if place in STAGES:
                maps.append(x.clone())  # the next layer may be in-place
        return maps

    def weighted(self, level: int, difference: Tensor) -> Tensor:
        return torch.einsum("nchw,c->nhw", difference, self.linear[level])


def resized(images: Tensor, size: int) -> Tensor:
    """Images (N, 3, H, W) with a shorter side of `size`: antialiased when shrunk, bilinear when enlarged."""
    short = min(images.shape[2:])
    if short == size:
        return images
    target = [max(1, round(side * size / short)) for side in images.shape[2:]]
    return F.interpolate(images, target, mode="bilinear", antialias=size < short, align_corners=False)


def perceptual_distance(lpips: str = "", size: int = 0) -> PerceptualDistance:
    """The best distance that needs no download; its `name` says which it is.

    lpips: "" for LPIPS if torch hub's cache has VGG-16, else EfficientNet-Lite0; "off" for the latter; or a file with
    VGG-16's weights, see `read_vgg`. size: shorter side at which images are compared, pixels; 0: 256.
    Raises UserError for a file that is missing or holds something else.
    """
    size = size or 256
    if lpips and lpips != "off":
        return VGGDistance(size, read_vgg(Path(lpips).expanduser()))
    cached = Path(torch.hub.get_dir()) / "checkpoints" / VGG_FILE
    if not lpips and cached.is_file():
        return VGGDistance(size, read_vgg(cached))
    return EfficientNetDistance(size)


def empty_vgg() -> nn.Sequential:
    """VGG-16's layers up to relu5_3, on torch's meta device: their weights would be replaced anyway."""
    from torchvision.models import vgg16

    with torch.device("meta"):
        return vgg16(weights=None).features[: STAGES[-1] + 1]


def read_vgg(path: Path) -> dict[str, Tensor]:
    """VGG-16's layers ("0.weight", "0.bias", ... "28.bias") and LPIPS's channel weights ("linear0" ... "linear4").

    path: torchvision's VGG-16, or a whole LPIPS network of the `lpips` package (its state dict), .pth or .safetensors.
    LPIPS weights that the file lacks are torchmetrics' copy of them. Only tensors are unpickled. Raises UserError for a
    file that is missing, damaged, or of another network.
    """
    own = empty_vgg().state_dict()
    wanted = {name: tensor.shape for name, tensor in own.items()}
    wanted |= {f"linear{level}": own[f"{place - 1}.bias"].shape for level, place in enumerate(STAGES)}
    with reading(f"lpips={path}", "VGG-16 of torchvision or LPIPS", "lpips=off does without"):
        layers = {}
        for name, tensor in {**torchmetrics_weights(), **read_weights(path)}.items():
            parts = name.split(".")
            if parts[0].startswith("lin") and parts[0][3:].isdigit():  # lin0.model.1.weight, (1, C, 1, 1)
                layers[f"linear{parts[0][3:]}"] = tensor.flatten()
            elif parts[0] in ("features", "net") and parts[-2].isdigit():  # features.0.weight, net.slice1.0.weight
                layers[".".join(parts[-2:])] = tensor
        for name, shape in wanted.items():
            if name not in layers:
                raise ValueError(f"it has no features.{name} or net.slice1.{name}")
            if layers[name].shape != shape or not layers[name].is_floating_point():
                raise ValueError(f"{name} has shape {tuple(layers[name].shape)}; {tuple(shape)} is needed")
        return {name: layers[name].float() for name in wanted}


def torchmetrics_weights() -> dict[str, Tensor]:
    """LPIPS's channel weights `lin0.model.1.weight` ... as torchmetrics ships them."""
    path = Path(torchmetrics.functional.image.__file__).parent / "lpips_models" / "vgg.pth"
    return torch.load(path, map_location="cpu", weights_only=True)
