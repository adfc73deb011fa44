"""A loaded model with everything that can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TypeVar

import torch

from composegan.model import saved_model
from composegan.model.codes import Codes, concat_codes
from composegan.model.sample import Samples, concat_samples

T = TypeVar("T", Codes, Samples)


class Model(saved_model.Model):
    """A trained model."""


def load(path: str | PathLike[str], device: str | torch.device = "cpu") -> Model:
    """Load the model in `path`: a model folder, or a run folder (its averaged generator).

    Raises UserError naming the file that is missing, damaged or of another format.
    """
    return saved_model.load(path, device, Model)


def concat(parts: Sequence[T]) -> T:
    """Join codes, or samples, of one model: the pictures of all parts, one after another.

    Raises UserError if they belong to different models.
    """
    return concat_samples(parts) if isinstance(parts[0], Samples) else concat_codes(parts)
