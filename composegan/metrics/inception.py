"""The Inception network of published FID, KID and IS, with weights from this machine. Nothing is downloaded."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from composegan.errors import UserError
from composegan.io.guarded import reading
from composegan.io.tensor_file import read_saved
from composegan.metrics.rows import Describer, Rows, Setting

CHANNELS = 2048
WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{WEIGHTS}"


def find_weights(given: str | Path | None = None) -> Path:
    """The file of weights: `given`, or torch hub's copy. Raises UserError that says what to download and where to."""
    path = Path(given).expanduser() if given else Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS
    if not path.is_file():
        where = f"inception={given}: there is no such file" if given else f"no Inception weights in {path}"
        raise UserError(f"{where}; download {URL} and put it there, or name it with inception=FILE")
    return path


class Inception(nn.Module):
    """torch-fidelity's copy of the network, with TensorFlow 1's bilinear resize to 299 x 299, frozen.

    Raises UserError if torch-fidelity is not installed or the file does not hold its weights.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.network: Any
        network = _network_class()
        with reading(f"inception={weights}", f"the file {WEIGHTS}"):
            state = read_saved(weights)
            # torch-fidelity unpickles its file without restrictions, so it gets one with these tensors only.
            with tempfile.TemporaryDirectory() as folder:
                clean = os.path.join(folder, WEIGHTS)
                torch.save(dict(state), clean)
                self.network = network("inception-v3-compat", ["2048"], feature_extractor_weights_path=clean)
        self.requires_grad_(False).eval()

    def features(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) uint8 -> pooled features (N, 2048)."""
        return self.network(images)[0]

    def logits(self, features: Tensor) -> Tensor:
        """Features (N, 2048) -> logits (N, 1008) without bias, as in the published inception score."""
        return features @ self.network.fc.weight.T


def _network_class() -> Any:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise UserError(
            "FID, KID and IS need the package torch-fidelity, which is not installed: pip install 'composegan[fid]'"
        ) from error
    return FeatureExtractorInceptionV3


def _open(setting: Setting) -> Describer:
    path = find_weights(setting.inception)
    network = Inception(path).to(setting.device)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    return Describer(
        lambda images, labels: network.features(images.to(setting.device)).float().cpu(),
        key=f"inception-{digest}",
        resize="to 299x299, bilinear as in TensorFlow 1",
        logits=lambda features: network.logits(features.to(setting.device)),
    )


INCEPTION = Rows("Inception-v3 (2015)", _open)
"""`Inception.features`, of weights that have to be downloaded."""
