"""An attribute that a timm classifier sees: `classifier(tf_efficientnet_lite0:551)`."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import safetensors
import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.editing.directions.attributes import Attribute
from composegan.errors import UserError, nearest
from composegan.io.guarded import check_saved
from composegan.metrics.backbone import efficientnet_lite0

BUNDLED = "tf_efficientnet_lite0"
FORM = re.compile(r"\s*classifier\s*\(\s*([\w.-]+)\s*:\s*(\d{1,9})\s*\)\s*")


def is_classifier(text: str) -> bool:
    """Whether an attribute is of a classifier, well written or not."""
    return text.strip().startswith("classifier")


def classifier_attribute(text: str, weights: Path | None, device: torch.device) -> Attribute:
    """The log-probability of a class of a timm network, by its number, in nats.

    weights: the network's state dict (safetensors, or what torch.save wrote of tensors); not needed for
    `tf_efficientnet_lite0`, whose ImageNet weights are bundled. Networks take images at their own size and range.
    Raises UserError for an unknown network, a number it does not have, or weights that are not its own.
    """
    found = FORM.fullmatch(text)
    if not found:
        raise UserError(f"attribute={text}: write it as in 'attribute=classifier({BUNDLED}:551)'")
    name, number = found[1], int(found[2])
    if not timm.is_model(name):
        raise UserError(f"attribute={text}: timm has no network {name!r}; {nearest_network(name)}")
    if weights is None and name != BUNDLED:
        raise UserError(
            f"attribute={text}: weights=FILE is needed, its state dict; only those of {BUNDLED} are bundled"
        )
    network = bundled() if weights is None else with_weights(name, weights)
    if number >= network.num_classes:
        raise UserError(f"attribute={text}: {name} has classes 0 to {network.num_classes - 1}")
    network = network.to(device)
    facts = network.pretrained_cfg
    size = tuple(facts["input_size"][1:])
    mean, std = (torch.tensor(facts[key], device=device).view(1, 3, 1, 1) for key in ("mean", "std"))

    @torch.inference_mode()
    def measure(images: Tensor, labels: Tensor) -> Tensor:
        images = F.interpolate(images.float(), size, mode="bicubic", antialias=True, align_corners=False)
        logits = network(((images.clamp(-1, 1) + 1) / 2 - mean) / std)  # (N, classes)
        return logits.log_softmax(dim=1)[:, number].double()

    fingerprint = "" if weights is None else hashlib.sha256(weights.read_bytes()).hexdigest()
    return Attribute(f"classifier({name}:{number})", f"{name}-{number}", "", False, measure, fingerprint)


def nearest_network(name: str) -> str:
    """The end of an error line: of the 1,200 there are, the nearest."""
    offer = nearest(name, timm.list_models())
    return offer if offer.startswith("did you mean") else "`timm.list_models()` lists them"


def bundled() -> nn.Module:
    """EfficientNet-Lite0 with its ImageNet weights."""
    return efficientnet_lite0().network


def with_weights(name: str, path: Path) -> nn.Module:
    """A timm network with weights from a file, of as many classes as the file's classifier has.

    Raises UserError when the file is missing, holds anything but tensors, or is not of that network.
    """
    if not path.is_file():
        raise UserError(f"weights={path}: there is no such file")
    try:
        check_saved(path)
        stored = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        stored = stored.get("state_dict", stored)
        network = timm.create_model(name, pretrained=False)
        head = stored[f"{network.pretrained_cfg['classifier']}.weight"]
        network = timm.create_model(name, pretrained=False, num_classes=head.shape[0])
        network.load_state_dict(stored)
    except (
        safetensors.SafetensorError,
        KeyError,
        AttributeError,
        TypeError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        raise UserError(f"weights={path}: is damaged or not of {name} ({_one_line(error)})") from error
    except Exception as error:  # torch.load refuses what is not tensors with pickle's own errors
        raise UserError(f"weights={path}: cannot be read as tensors ({_one_line(error)})") from error
    return network.requires_grad_(False).eval()


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
