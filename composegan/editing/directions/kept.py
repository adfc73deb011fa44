"""Figures measured so far, so that a long measurement that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from composegan.io.atomic import atomic_file

EVERY = 20.0
"""Seconds between two savings."""


class Kept:
    """The first values of a long list, in a hidden file of `folder` that is there only while they are not all.

    folder: None keeps nothing. parts: what the values depend on; others, however similar, have another file.
    """

    def __init__(self, folder: Path | None, parts: Iterable[str | Tensor]) -> None:
        self.path = None
        if folder is not None:
            digest = hashlib.sha256()
            for part in parts:
                part = part.encode() if isinstance(part, str) else part.float().cpu().contiguous().numpy().tobytes()
                digest.update(part)
            self.path = folder / f".measured-{digest.hexdigest()[:16]}.safetensors"
        self.saved = time.monotonic()

    def load(self) -> Tensor:
        """What was kept: (n,) float64, empty where there is nothing, or nothing that can be read."""
        if self.path is not None and self.path.is_file():
            try:
                return load_file(self.path)["values"].double().flatten()
            except (OSError, KeyError, safetensors.SafetensorError):
                pass
        return torch.zeros(0, dtype=torch.float64)

    def save(self, values: list[Tensor]) -> None:
        """Keep them, unless that was done within the last `EVERY` seconds."""
        if self.path is not None and time.monotonic() - self.saved >= EVERY:
            with atomic_file(self.path) as path:
                path.write_bytes(save({"values": torch.cat(values)}))
            self.saved = time.monotonic()

    def remove(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)
