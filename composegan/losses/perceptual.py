"""Perceptual distance of pictures: LPIPS if VGG-16's weights are available, otherwise EfficientNet-Lite0 features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.errors import UserError
from composegan.io.guarded import check_saved

LPIPS, EFFNET = "LPIPS-VGG", "EfficientNet-Lite0"
VGG_FILE = "vgg16-397923af.pth"
"""The file name of torchvision's ImageNet weights of VGG-16."""
STAGES = (3, 8, 15, 22, 29)
"""Indices of relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3 among VGG-16's layers."""
MEAN, SPREAD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""ImageNet's mean and standard deviation for pictures in -1..1 (the release of Zhang et al., arXiv 1801.03924)."""


class PerceptualDistance(nn.Module, ABC):
    """`sum_l mean_p sum_c u_lc (a_lcp - b_lcp)^2` for feature maps a, b normalized over the channels c at every
    position p (Zhang et al., arXiv 1801.03924, equation 1). Frozen; differentiable with respect to the pictures.

    name: the network; size: shorter side to which pictures are resized first.
    """

    name: str

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    @abstractmethod
    def features(self, images: Tensor) -> list[Tensor]:
        """Resized images in -1..1 -> maps (N, C, h, w) at several scales."""

    @abstractmethod
    def weighted(self, level: int, difference: Tensor) -> Tensor:
        """Squared differences (N, C, h, w) of a level's normalized maps, weighted, summed over channels: (N, h, w)."""

    def maps(self, images: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) in -1..1 of any size -> the normalized maps that `forward` compares."""
        maps = self.features(resized(images, self.size))
        return [x / (x.square().sum(dim=1, keepdim=True) + 1e-10).sqrt() for x in maps]

    def forward(self, maps: list[Tensor], others: list[Tensor]) -> Tensor:
        """The maps of two batches -> (N,), 0 for equal pictures."""
        levels = enumerate(zip(maps, others, strict=True))  # pairs of (N, C, h, w)
        parts = [self.weighted(i, (a - b).square()).mean(dim=(1, 2)) for i, (a, b) in levels]  # each (N)
        return torch.stack(parts).sum(dim=0)  # (N)


class EfficientNetDistance(PerceptualDistance):
    """EfficientNet-Lite0's maps at strides 2 to 32, channels weighted equally, averaged over the scales."""

    name = EFFNET

    def __init__(self, size: int) -> None:
        from composegan.metrics.backbone import efficientnet_lite0

        super().__init__(size)
        self.network = efficientnet_lite0()

    def features(self, images: Tensor) -> list[Tensor]:
        return self.network.pyramid(images)

    def weighted(self, level: int, difference: Tensor) -> Tensor:
        return difference.sum(dim=1) / 5  # (N, h, w)


class VGGDistance(PerceptualDistance):
    """LPIPS with VGG-16, version 0.1. layers: the tensors that `read_vgg` returns."""

    mean: Tensor
    spread: Tensor

    name = LPIPS

    def __init__(self, size: int, layers: Mapping[str, Tensor]) -> None:
        from torchvision.models import vgg16

        super().__init__(size)
        with torch.device("meta"):  # skips initializing weights that are replaced
            self.network = vgg16(weights=None).features[: STAGES[-1] + 1]
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
                maps.append(x.clone())  # the next layer may be in place
        return maps

    def weighted(self, level: int, difference: Tensor) -> Tensor:
        return torch.einsum("nchw,c->nhw", difference, self.linear[level])


def resized(images: Tensor, size: int) -> Tensor:
    """Resize images (N, 3, H, W) to a shorter side of `size`: antialiased when shrinking, bilinear when enlarging."""
    short = min(images.shape[2:])
    if short == size:
        return images
    target = [max(1, round(side * size / short)) for side in images.shape[2:]]
    return F.interpolate(images, target, mode="bilinear", antialias=size < short, align_corners=False)


def perceptual_distance(lpips: str = "", size: int = 0) -> PerceptualDistance:
    """The best distance available without a download; its `name` says which.

    lpips: "" for LPIPS if torch hub's cache has VGG-16, otherwise EfficientNet-Lite0; "off" for the latter; or a file
    with VGG-16's weights, see `read_vgg`. size: shorter side at which pictures are compared, pixels; 0: 256.
    Raises UserError for a file that is missing or holds something else.
    """
    size = size or 256
    if lpips and lpips != "off":
        return VGGDistance(size, read_vgg(Path(lpips).expanduser()))
    cached = Path(torch.hub.get_dir()) / "checkpoints" / VGG_FILE
    if not lpips and cached.is_file():
        return VGGDistance(size, read_vgg(cached))
    return EfficientNetDistance(size)


def read_vgg(path: Path) -> dict[str, Tensor]:
    """VGG-16's layers ("0.weight", "0.bias", ... "28.bias") and LPIPS's channel weights ("linear0" ... "linear4").

    path: torchvision's VGG-16, or the state dict of an LPIPS network of the `lpips` package, .pth or .safetensors.
    Channel weights that the file lacks come from torchmetrics' copy. Only tensors are unpickled.
    """
    try:
        check_saved(path)
        if path.suffix == ".safetensors":
            stored = safetensors.torch.load_file(path)
        else:
            stored = torch.load(path, map_location="cpu", weights_only=True)
        layers = {}
        for name, tensor in {**_linear_of_torchmetrics(), **stored}.items():
            parts = name.split(".")
            if parts[0].startswith("lin") and parts[0][3:].isdigit():  # lin0.model.1.weight, (1, C, 1, 1)
                layers[f"linear{parts[0][3:]}"] = tensor.flatten()
            elif parts[0] in ("features", "net") and parts[-2].isdigit():  # features.0.weight, net.slice1.0.weight
                layers[".".join(parts[-2:])] = tensor
        if "0.weight" not in layers:
            raise ValueError("it has no features.0.weight or net.slice1.0.weight")
    except Exception as error:  # the file may hold anything
        reason = "there is no such file" if not path.exists() else " ".join(str(error).split())[:150]
        raise UserError(
            f"lpips={path}: is not VGG-16 of torchvision or LPIPS ({reason}); use lpips=off to do without"
        ) from error
    return layers


def _linear_of_torchmetrics() -> dict[str, Tensor]:
    """`lin0.model.1.weight` ... from the copy in the package."""
    import torchmetrics.functional.image as package

    path = Path(package.__file__).parent / "lpips_models" / "vgg.pth"
    return torch.load(path, map_location="cpu", weights_only=True)
