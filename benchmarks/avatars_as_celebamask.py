"""Drawn avatars as a folder in CelebAMask-HQ's own layout, to try what reads that data set without having it.

    python -m benchmarks.avatars_as_celebamask out=/tmp/avatars train=200 validation=32 size=256

Writes CelebA-HQ-img/<i>.jpg and CelebAMask-HQ-mask-anno/<i // 2000>/<i:05d>_<part>.png, a part for each class that is
there, `train` pictures from number 0 and `validation` ones, of another seed, from number 28,000.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from composegan.config.compose import read_arguments
from composegan.plugins.faces import draw_avatars, spec
from composegan.plugins.faces.celebamask import FIRST_VALIDATION, IMAGES, MASKS, MASKS_A_FOLDER
from composegan.runtime.progress import progress_bar

PART_OF = {item["class"]: item["part"] for item in reversed(spec.foreign["celebamask_hq"])}
"""Of the parts that are one class (left and right eye) the first, which here stands for all of it."""


@dataclass
class AvatarsConfig:
    out: str = "avatars"  # folder to write
    train: int = 200  # how many pictures to train on
    validation: int = 32  # how many held out
    size: int = 256  # pixels


def write(root: Path, count: int, first: int, size: int, seed: int) -> None:
    """Draw `count` avatars of a seed as pictures number `first` and on."""
    (root / IMAGES).mkdir(parents=True, exist_ok=True)
    source = draw_avatars(count, size, size, seed)
    with progress_bar(f"Drawing {count} avatars", count) as done:
        for index in range(count):
            sample, number = source[index], first + index
            Image.fromarray(sample.image.transpose(1, 2, 0)).save(root / IMAGES / f"{number}.jpg", quality=95)
            folder = root / MASKS / str(number // MASKS_A_FOLDER)
            folder.mkdir(parents=True, exist_ok=True)
            for label in np.unique(sample.labels):
                part = PART_OF.get(spec.names[label])
                if part:  # the background has no mask
                    mask = Image.fromarray(np.where(sample.labels == label, 255, 0).astype(np.uint8))
                    mask.save(folder / f"{number:05d}_{part}.png")
            done(1)


def main(arguments: Sequence[str]) -> None:
    config = read_arguments(AvatarsConfig, arguments, see="this file")
    root = Path(config.out)
    write(root, config.train, 0, config.size, seed=0)
    write(root, config.validation, FIRST_VALIDATION, config.size, seed=1)
    print(f"wrote {root}")


if __name__ == "__main__":
    main(sys.argv[1:])
