"""Pictures from a trained model: images, coloured masks, codes and a contact sheet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from composegan.config.errors import UserError
from composegan.interop.saved_model import Model, load
from composegan.pictures import color_masks, contact_sheet, to_uint8
from composegan.saving import writing


@dataclass(frozen=True)
class Samples:
    """images: (N, H, W, 3) uint8; labels: (N, H, W) uint8; codes: (N, S) float32, each picture's w after truncation."""

    images: np.ndarray
    labels: np.ndarray
    codes: np.ndarray
    colors: tuple[tuple[int, int, int], ...]

    def contact_sheet(self) -> Image.Image:
        """All images beside their coloured masks."""
        return contact_sheet(self.images, self.labels, self.colors)

    def save(self, folder: str | Path) -> Path:
        """Write images/, masks/ (in colours), labels/ (class numbers), codes.npz and contact_sheet.png.

        Raises UserError when the disk is full or not writable.
        """
        folder = Path(folder)
        masks = color_masks(self.labels, self.colors)
        with writing(folder):
            for part, pictures in (("images", self.images), ("masks", masks), ("labels", self.labels)):
                (folder / part).mkdir(parents=True, exist_ok=True)
                for number, picture in enumerate(pictures):
                    Image.fromarray(picture).save(folder / part / f"{number:05d}.png")
            np.savez(folder / "codes.npz", codes=self.codes)
            self.contact_sheet().save(folder / "contact_sheet.png")
        return folder


@torch.inference_mode()
def draw(model: Model, n: int, *, seed: int = 0, truncation: float = 1.0, batch: int = 16) -> Samples:
    """n pictures; picture i depends on (seed, i, truncation) only, whatever n and batch are.

    truncation: 1 leaves codes as they are, 0 gives the mean picture. Raises UserError unless n and batch are positive.
    """
    if n < 1 or batch < 1:
        raise UserError(f"n={n}, batch={batch}: at least 1 of each is needed")
    draws = torch.Generator().manual_seed(seed)
    # One by one, as torch draws the last numbers of a tensor differently from those in its middle.
    z = torch.stack([torch.randn(model.generator.latent_channels, generator=draws) for _ in range(n)])
    images, labels, codes = [], [], []
    for part in z.split(batch):
        w = model.generator.map(part.to(model.device))  # (B, S)
        w = model.mean_code + truncation * (w - model.mean_code)
        result = model.synthesize(w)
        images.append(to_uint8(result.image))
        labels.append(result.mask.labels().cpu().numpy())
        codes.append(w.float().cpu().numpy())
    return Samples(np.concatenate(images), np.concatenate(labels), np.concatenate(codes), model.colors)


def sample(
    path: Path, out: Path | None = None, *, n: int = 16, seed: int = 0, truncation: float = 0.7, batch: int = 16
) -> Path:
    """Draw from the run or saved model at `path` and write to `out` (default: `path`/samples-seedSEED). Returns it."""
    model = load(path, "cuda" if torch.cuda.is_available() else "cpu")
    return draw(model, n, seed=seed, truncation=truncation, batch=batch).save(out or path / f"samples-seed{seed}")
