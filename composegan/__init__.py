"""Compositional GANs: every semantic class has its own latent codes, its own layer of the picture and its own mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from composegan.version import __version__

if TYPE_CHECKING:
    from os import PathLike

    import torch

    from composegan.model.saved_model import Model

__all__ = ["__version__", "load"]


def load(path: str | PathLike[str], device: str | torch.device = "cpu") -> Model:
    """The model saved in `path`: a model folder, or a run (its averaged generator).

    Raises UserError naming the file that is missing, damaged or of another format.
    """
    from composegan.model.saved_model import load as load_saved_model  # torch is imported only when it is needed

    return load_saved_model(path, device)
