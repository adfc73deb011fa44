"""The Inception network that published FID, KID and IS are taken with, from weights on this machine. No download."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

from composegan.errors import UserError
from composegan.io.guarded import check_saved

CHANNELS = 2048
WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{WEIGHTS}"


def find_weights(given: str | Path | None = None) -> Path:
    """The file of weights: the one given, or torch hub's copy.

    Raises UserError, saying what to download and where to put it, when it is not there.
    """
    path = Path(given).expanduser() if given else Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS
    if not path.is_file():
        where = f"inception={given}: there is no such file" if given else f"no Inception weights in {path}"
        raise UserError(f"{where}; download {URL} and put it there, or name it with inception=FILE")
    return path


class Inception(nn.Module):
    """torch-fidelity's copy of the network, with TensorFlow 1's bilinear resize to 299 x 299, frozen.

    Raises UserError when torch-fidelity is not installed, or the file is none of its weights.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        network = _network_class()
        try:
            check_saved(weights)
            state = torch.load(weights, map_location="cpu", weights_only=True)
            # torch-fidelity reads a file by unpickling whatever is in it: it gets one with nothing but these tensors.
            with tempfile.TemporaryDirectory() as folder:
                clean = os.path.join(folder, WEIGHTS)
                torch.save(dict(state), clean)
                self.network = network("inception-v3-compat", ["2048"], feature_extractor_weights_path=clean)
        except Exception as error:  # in a damaged or foreign file anything can go wrong
            reason = " ".join(str(error).split())[:120]
            raise UserError(f"inception={weights}: is not the file {WEIGHTS} ({reason})") from error
        self.requires_grad_(False).eval()

    def features(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) uint8 -> pooled features (N, 2048)."""
        return self.network(images)[0]

    def logits(self, features: Tensor) -> Tensor:
        """Features (N, 2048) -> logits (N, 1008) without bias, as the published inception score takes them."""
        return features @ self.network.fc.weight.T


def _network_class() -> type[nn.Module]:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise UserError(
            "FID, KID and IS need the package torch-fidelity, which is not installed: pip install 'composegan[fid]'"
        ) from error
    return FeatureExtractorInceptionV3
