"""The layers of a picture: each class with colours and transparency of its own, from back to front."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from composegan.errors import UserError, as_path, whole_number
from composegan.io.atomic import atomic_file, writing
from composegan.io.output import check_folder
from composegan.model.codes import Codes
from composegan.model.sample import Picture
from composegan.model.saved_model import Model
from composegan.model.space import check_space
from composegan.viz.pictures import table

INDEX = "layers.json"


@dataclass(frozen=True, eq=False, repr=False)
class Layers(Picture):
    """One picture as layers. Laid over one another they are the picture, within one grey level.

    classes: from back to front, without those that are absent; images: (n, H, W, 4) uint8, colours and opacity, the
    colours not multiplied by it. What a class covers is drawn as if it and all in front of it were absent.
    """

    classes: tuple[str, ...]
    images: np.ndarray

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, name: str) -> Image.Image:
        """The layer of a class. Raises UserError if the picture has none."""
        if name not in self.classes:
            raise UserError(f"the picture has no layer {name!r}; it has {', '.join(self.classes)}")
        return Image.fromarray(self.images[self.classes.index(name)])

    def flattened(self) -> np.ndarray:
        """The layers laid over one another: (H, W, 3) uint8."""
        return next(reversed([*_laid(self.images)]))

    def sheet(self) -> Image.Image:
        """Two rows, a column per class: the layer on a chequered ground, and the layers up to it."""
        height, width = self.images.shape[1:3]
        ground = np.where((np.indices((height, width)) // max(4, height // 16)).sum(0) % 2, 170, 220)[..., None]
        opacity = self.images[..., 3:] / 255
        shown = (self.images[..., :3] * opacity + ground * (1 - opacity)).round().astype(np.uint8)
        return table((shown, np.stack([*_laid(self.images)])), self.classes, ("layer", "picture"), least=96)

    def save(self, folder: str | PathLike[str], number: int = 0, *, overwrite: bool = False) -> Path:
        """Write NUMBER.png, the sheet, and a PNG with transparency per layer, NUMBER-PLACE-CLASS.png, PLACE counting
        from the back; they are listed in layers.json.

        number: of the picture, to save several in one folder. overwrite: also write into a folder that holds anything
        but saved layers. Raises UserError for such a folder otherwise, and if writing fails.
        """
        folder, number = as_path("folder", folder), whole_number("number", number)
        check_folder(folder, (INDEX, "[0-9]*.png"), overwrite=overwrite)
        safe = (name.replace("/", "_").replace("\\", "_") for name in self.classes)
        files = [f"{number:05d}-{place:02d}-{name}.png" for place, name in enumerate(safe)]
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob(f"{number:05d}-*.png"):
                old.unlink()
            self.sheet().save(folder / f"{number:05d}.png")
            for file, image in zip(files, self.images, strict=True):
                Image.fromarray(image).save(folder / file)
        index = _index(folder / INDEX)
        index[f"{number:05d}"] = [{"class": name, "file": file} for name, file in zip(self.classes, files, strict=True)]
        with atomic_file(folder / INDEX) as path:
            path.write_text(json.dumps(dict(sorted(index.items())), indent=2) + "\n")
        return folder

    def __repr__(self) -> str:
        return f"Layers({', '.join(self.classes)})"


@torch.inference_mode()
def layers(model: Model, codes: Codes) -> Layers:
    """The layers of one picture. Raises UserError for a model whose family has none."""
    if not hasattr(model.generator, "layers"):
        raise UserError(
            f"model.family={model.family}: its pictures have no layers; `composegan components` (model.components) "
            "gives masked cut-outs instead"
        )
    check_space("codes", codes.classes, codes.space, model)
    ((model, codes),) = model.by_weights(codes)
    draw: Any = model.generator.layers
    layout = None if codes.layout is None else codes.layout.to(model.device)
    made = draw(codes.slots.to(model.device), classes=codes.present, layout=layout)
    color = ((made.color[0].float() + 1) * 127.5).permute(0, 2, 3, 1).cpu().numpy()  # (K, H, W, 3)
    opacity = made.opacity[0].float().cpu().numpy()  # (K, H, W)
    order, present = made.classes[0].tolist(), codes.present[0].tolist()
    kept = [place for place, index in enumerate(order) if present[index]]
    names = tuple(model.classes[order[place]] for place in kept)
    return Layers(names, rounded(color[kept], opacity[kept]))


def rounded(color: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Layers to eight bits. What rounding an opacity does to the picture is made up for by the colour.

    color: (n, H, W, 3) in 0..255 and beyond, from back to front; opacity: (n, H, W) in 0..1 -> (n, H, W, 4) uint8.
    """
    exact = np.zeros_like(color[0])
    flat = np.zeros(color.shape[1:], np.uint8)
    found = []
    for own, alpha in zip(color.clip(0, 255), opacity[..., None], strict=True):
        exact = exact + alpha * (own - exact)
        eight = (alpha * 255).round()
        rest = 1 - eight / 255
        needed = np.divide(exact - rest * flat, eight / 255, out=own.copy(), where=eight > 0)
        image = np.concatenate((needed.clip(0, 255).round(), eight), axis=2).astype(np.uint8)
        # Nearly transparent layers keep their colours: an error of a level there is not worth a wrong one.
        image[..., :3] = np.where(eight < 8, own.round(), image[..., :3])
        flat = _over(flat, image)
        found.append(image)
    return np.stack(found)


def _laid(images: np.ndarray) -> Iterator[np.ndarray]:
    """The picture after each layer: (H, W, 3) uint8."""
    flat = np.zeros((*images.shape[1:3], 3), np.uint8)
    for image in images:
        flat = _over(flat, image)
        yield flat


def _over(flat: np.ndarray, image: np.ndarray) -> np.ndarray:
    opacity = image[..., 3:] / 255
    return (flat + opacity * (image[..., :3].astype(np.float64) - flat)).round().astype(np.uint8)


def _index(path: Path) -> dict[str, list[dict[str, str]]]:
    """What layers.json lists already; nothing if it cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
