"""Pictures without masks: any folder of images, at any depth, of any size."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from composegan.data.folder import IMAGE_ENDINGS
from composegan.data.images import read_image
from composegan.data.sample import Sample
from composegan.errors import UserError


class PictureSource:
    """The images in a folder and below it, in the order of their paths; files are read when asked for.

    Their labels are all 0: nothing is known about them. Where the folder has an `images` folder (the plain layout of
    labelled data), only that one is looked at, so that label files are not taken for pictures.
    Raises UserError for a root that is missing, a file, or without images.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        if not self.root.exists():
            raise UserError(f"{self.root}: does not exist; data.root is a folder of images")
        if not self.root.is_dir():
            raise UserError(f"{self.root}: is a file; data.root is a folder of images")
        if (self.root / "images").is_dir():
            self.root = self.root / "images"
        self.files = sorted(pictures_below(self.root))
        if not self.files:
            raise UserError(f"{self.root}: there are no images in it ({', '.join(sorted(IMAGE_ENDINGS))})")

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        file = self.root / self.files[index]
        image = read_image(file)
        return Sample(image, np.zeros(image.shape[1:], np.uint8), str(file))


def pictures_below(root: Path) -> list[str]:
    """Image files by their ending, as paths below `root`. Hidden files and folders are passed over."""
    found = []
    for folder, folders, files in os.walk(root, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = os.path.relpath(folder, root)
        found += [
            os.path.normpath(os.path.join(below, name))
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_ENDINGS
        ]
    return found
