"""Write a few hundred drawn faces with label files as people have them: ids of their own, and void outlines.

    python -m benchmarks.few_pictures out=mine

Writes mine/train (270) and mine/validation (30) with images/ and labels/, 128 x 128, and mine/photo.png, a larger photo
with one of the held-out faces somewhere in it. A label is 10 times the number of the class in domains/faces.yaml;
outlines between two classes are void, 255. docs/guide/few_pictures.md uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.script import read_settings, run_study
from composegan.draw import draw_background
from composegan.plugin import registry
from composegan.plugin.fields import number

SIZE, FACE = 128, 360
VOID, STEP = 255, 10


@dataclass
class FewPictures:
    train: int = number(270, least=2)  # pictures to train on
    validation: int = number(30, least=2)  # pictures that are held out
    out: str = "mine"  # folder to write


def with_void(labels: np.ndarray) -> np.ndarray:
    """Class numbers (H, W) as ids, VOID where a neighbour to the right or below is of another class."""
    ids = (labels * STEP).astype(np.uint8)
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return np.where(edge, VOID, ids).astype(np.uint8)


def main(arguments: Sequence[str]) -> None:
    config = read_settings(FewPictures, arguments, "few_pictures")
    plugin = registry.load("faces")
    assert plugin.demo
    for split, seed, count in (("train", 0, config.train), ("validation", 1, config.validation)):
        source, folder = plugin.demo(count, SIZE, SIZE, seed), Path(config.out) / split
        for part in ("images", "labels"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            sample = source[index]
            Image.fromarray(sample.image.transpose(1, 2, 0)).save(folder / "images" / f"{index:04d}.png")
            Image.fromarray(with_void(sample.labels)).save(folder / "labels" / f"{index:04d}.png")
    face = plugin.demo(12, FACE, FACE, 1)[11].image.transpose(1, 2, 0)
    photo = draw_background(480, 720, np.random.default_rng(5)).copy()
    photo[480 - FACE :, 250 : 250 + FACE] = face
    Image.fromarray(photo).save(Path(config.out) / "photo.png")
    print(f"wrote {config.out}")


if __name__ == "__main__":
    run_study(main)
