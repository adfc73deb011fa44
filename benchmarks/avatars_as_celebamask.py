"""Draw avatars into a folder with the layout of CelebAMask-HQ, to try its reader without the data set.

    python -m benchmarks.avatars_as_celebamask out=/tmp/avatars train=200 validation=32 size=256

Writes CelebA-HQ-img/<i>.jpg and CelebAMask-HQ-mask-anno/<i // 2000>/<i:05d>_<part>.png with one part per visible class:
training images from number 0 and validation images, drawn with another seed, from number 28,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.script import read_settings, run_study
from composegan.plugin.fields import number
from composegan.plugins.faces import draw_avatars, spec
from composegan.plugins.faces.celebamask import FIRST_VALIDATION, IMAGES, MASKS, MASKS_PER_FOLDER
from composegan.runtime.progress import progress_bar

PART_OF = {item["class"]: item["part"] for item in reversed(spec.foreign["celebamask_hq"])}
"""The part by class; where several parts make up a class (left and right eye), the first stands for all of it."""


@dataclass
class AvatarsConfig:
    out: str = "avatars"  # folder to write
    train: int = number(200, least=0)  # number of training images
    validation: int = number(32, least=0)  # number of validation images
    size: int = number(256, least=16)  # pixels


def write(root: Path, count: int, first: int, size: int, seed: int) -> None:
    """Draw `count` avatars and number them from `first`."""
    (root / IMAGES).mkdir(parents=True, exist_ok=True)
    source = draw_avatars(count, size, size, seed)
    with progress_bar(f"Drawing {count} avatars", count) as done:
        for index in range(count):
            sample, number = source[index], first + index
            Image.fromarray(sample.image.transpose(1, 2, 0)).save(root / IMAGES / f"{number}.jpg", quality=95)
            folder = root / MASKS / str(number // MASKS_PER_FOLDER)
            folder.mkdir(parents=True, exist_ok=True)
            for label in np.unique(sample.labels):
                part = PART_OF.get(spec.names[label])
                if part:  # the background has no mask
                    mask = Image.fromarray(np.where(sample.labels == label, 255, 0).astype(np.uint8))
                    mask.save(folder / f"{number:05d}_{part}.png")
            done(1)


def main(arguments: Sequence[str]) -> None:
    config = read_settings(AvatarsConfig, arguments, "avatars_as_celebamask")
    root = Path(config.out)
    write(root, config.train, 0, config.size, seed=0)
    write(root, config.validation, FIRST_VALIDATION, config.size, seed=1)
    print(f"wrote {root}")


if __name__ == "__main__":
    run_study(main)
