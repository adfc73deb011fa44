"""Pictures without masks: any folder of images, at any depth, of any size."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from composegan.data.files import files_below, without_labels
from composegan.data.fingerprints import fingerprint_of_files
from composegan.data.folder import check_root
from composegan.data.layout import IMAGE_ENDINGS
from composegan.data.pairs import photo_warnings
from composegan.data.rgb import read_image
from composegan.data.sample import Sample
from composegan.errors import UserError

LABEL_NAMES = re.compile("^(labels?|masks?|annotations?|segmentation.*|gt[A-Z].*)$|mask-anno", re.IGNORECASE)
"""Folders that hold label maps in most data sets."""


class PictureSource:
    """The images in a folder and below it, in the order of their paths, read lazily; all labels are 0.

    If the folder has `images` and `labels` (the plain layout of labelled data), only its images are searched. No folder
    `labels` beside a folder `images` is searched.
    Raises UserError for a root that is missing, a file, or without images.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        check_root(self.root, "a folder of images")
        if (self.root / "images").is_dir() and (self.root / "labels").is_dir():
            self.root = self.root / "images"
        self.files = without_labels(self.root, files_below(self.root, IMAGE_ENDINGS))
        if not self.files:
            raise UserError(f"{self.root}: there are no images in it ({', '.join(sorted(IMAGE_ENDINGS))})")

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        file = self.root / self.files[index]
        image = read_image(file)
        return Sample(image, np.zeros(image.shape[1:], np.uint8), str(file))

    def warnings(self) -> list[str]:
        """What the files show, see `photo_warnings`, and folders among theirs that are named as label maps."""
        named = [file for file in self.files if any(LABEL_NAMES.search(name) for name in file.split("/")[:-1])]
        lines = []
        if named:
            reason = "are in folders named as those of label maps, but are read as pictures"
            count = f"{len(named)} of {len(self.files)} images"
            lines = [f"{self.root / named[0]}: {count} {reason}; give the folder of pictures"]
        return lines + photo_warnings([self.root / file for file in self.files], labelled=False)

    def fingerprint(self) -> str:
        """A hash of all files, see `composegan.data.fingerprints`."""
        return fingerprint_of_files(self.root / file for file in self.files)
