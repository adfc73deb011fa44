"""Pictures without masks: any folder of images, at any depth, of any size."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from composegan.data.folder import IMAGE_ENDINGS, check_root
from composegan.data.images import read_image
from composegan.data.sample import Sample
from composegan.errors import UserError


class PictureSource:
    """The images in a folder and below it, in the order of their paths, read lazily; all labels are 0.

    If the folder has an `images` folder (the plain layout of labelled data), only that one is searched.
    Raises UserError for a root that is missing, a file, or without images.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        check_root(self.root, "a folder of images")
        if (self.root / "images").is_dir():
            self.root = self.root / "images"
        self.files = sorted(_pictures_below(self.root))
        if not self.files:
            raise UserError(f"{self.root}: there are no images in it ({', '.join(sorted(IMAGE_ENDINGS))})")

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        file = self.root / self.files[index]
        image = read_image(file)
        return Sample(image, np.zeros(image.shape[1:], np.uint8), str(file))


def _pictures_below(root: Path) -> list[str]:
    """Image files by their ending, as paths below `root`, without hidden files and folders."""
    found = []
    for folder, folders, files in os.walk(root, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_ENDINGS:
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return found
