"""An attribute measured by a timm classifier: `classifier(tf_efficientnet_lite0:551)`."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.editing.directions.attributes import Attribute
from composegan.errors import UserError, nearest
from composegan.io.guarded import reading
from composegan.io.tensor_file import read_weights
from composegan.metrics.backbone import efficientnet_lite0

BUNDLED = "tf_efficientnet_lite0"
FORM = re.compile(r"\s*classifier\s*\(\s*([\w.-]+)\s*:\s*(\d{1,9})\s*\)\s*")


def is_classifier(text: str) -> bool:
    """Whether the text means a classifier, well-formed or not."""
    return text.strip().startswith("classifier")


def classifier_attribute(text: str, weights: Path | None, device: torch.device) -> Attribute:
    """The log-probability, in nats, of a class of a timm network, given by number.

    weights: the network's state dict (safetensors, or tensors saved by torch.save); not needed for
    `tf_efficientnet_lite0`, whose ImageNet weights are bundled. Images are resized and normalized as the network needs.
    Raises UserError for an unknown network or class number, and for weights of another network.
    """
    found = FORM.fullmatch(text)
    if not found:
        raise UserError(f"attribute={text}: write it as in 'attribute=classifier({BUNDLED}:551)'")
    name, number = found[1], int(found[2])
    if not timm.is_model(name):
        raise UserError(f"attribute={text}: timm has no network {name!r}; {nearest_network(name)}")
    if weights is None and name != BUNDLED:
        raise UserError(
            f"attribute={text}: give its state dict, weights=FILE; only the weights of {BUNDLED} are bundled"
        )
    network: Any = bundled() if weights is None else with_weights(name, weights)
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
    """The end of an error line: the nearest of timm's networks, or how to list all 1,200."""
    offer = nearest(name, timm.list_models())
    return offer if offer.startswith("did you mean") else "`timm.list_models()` lists them"


def bundled() -> nn.Module:
    """EfficientNet-Lite0 with its ImageNet weights."""
    return efficientnet_lite0().network


def with_weights(name: str, path: Path) -> nn.Module:
    """A timm network with weights from a file, with as many classes as the file's classifier.

    Raises UserError if the file is missing, has anything but tensors, or is of another network.
    """
    with reading(f"weights={path}", f"weights of {name}"):
        stored: Any = read_weights(path)
        stored = stored.get("state_dict", stored)
        network: Any = timm.create_model(name, pretrained=False)
        head = stored[f"{network.pretrained_cfg['classifier']}.weight"]
        network = timm.create_model(name, pretrained=False, num_classes=head.shape[0])
        network.load_state_dict(stored)
        return network.requires_grad_(False).eval()
