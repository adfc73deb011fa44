"""Read CelebAMask-HQ, in the layout of the download, lazily.

    root/CelebA-HQ-img/<i>.jpg                                   30,000 images, 1024 x 1024
    root/CelebAMask-HQ-mask-anno/<i // 2000>/<i:05d>_<part>.png  one mask per visible part, 512 x 512

Images 0 to 27,999 are the training split, 28,000 to 29,999 the validation split. domains/faces.yaml maps the parts to
classes, in painting order. Copies with other endings (`.png` images, `.PNG` masks), zeros before an image's number, or
other values in the masks are read, too. Dataset: Lee, Liu, Wu, Luo, "MaskGAN", CVPR 2020; for non-commercial research.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from itertools import chain
from pathlib import Path

import numpy as np

from composegan.data import (
    IMAGE_ENDINGS,
    Sample,
    check_shape,
    files_below,
    fingerprint_of_files,
    open_labels,
    photo_warnings,
    read_image,
    resize_image,
    size_of,
)
from composegan.plugin import DomainSpec, UserError

IMAGES, MASKS = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno"
MASK_ENDINGS = (".png", ".PNG")
FIRST_VALIDATION = 28_000
MASKS_PER_FOLDER = 2_000


class CelebAMask:
    """One split of CelebAMask-HQ: image uint8 (3, 512, 512) and labels uint8 (512, 512), ordered by number.

    The constructor lists the images only; indexing finds and reads the masks of an image. Raises UserError if `root` or
    one of its two folders is missing, the split is empty or two images have one number; when indexed, for damaged
    files, masks that differ in size or have another shape than their image, and an image without any part.
    """

    def __init__(self, root: Path | str, split: str, spec: DomainSpec) -> None:
        self.root = Path(root)
        check_layout(self.root)
        self.parts = [(item["part"], spec.index(item["class"])) for item in spec.foreign["celebamask_hq"]]
        images = numbered_images(self.root / IMAGES)
        self.numbers = [n for n in sorted(images) if (n >= FIRST_VALIDATION) == (split == "validation")]
        check_names(self.root / MASKS, set(self.numbers), [part for part, _ in self.parts])
        self.files = [self.root / IMAGES / images[number] for number in self.numbers]
        if not self.numbers:
            raise UserError(
                f"{self.root / IMAGES}: has no image of split {split!r}; "
                f"0.jpg to {FIRST_VALIDATION - 1}.jpg are train, later numbers are validation"
            )

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        number, file = self.numbers[index], self.files[index]
        image = read_image(file)
        labels = self.read_masks(number, file, image.shape[1:])
        return Sample(resize_image(image, *labels.shape), labels, str(file))

    def fingerprint(self) -> str:
        """A hash of all images and of all masks in their folders."""
        folders = sorted({str(number // MASKS_PER_FOLDER) for number in self.numbers})
        masks = (file for name in folders for file in files_in(self.root / MASKS / name))
        return fingerprint_of_files(chain(self.files, masks), self.parts)

    def warnings(self) -> list[str]:
        """What the images show that may not be meant as it is read."""
        return photo_warnings(self.files)

    def read_masks(self, number: int, image: Path, shape: tuple[int, ...]) -> np.ndarray:
        """Read the part masks of an image, (height, width) `shape`, and paint them in order: uint8 (512, 512)."""
        labels: np.ndarray | None = None
        for part, label in self.parts:
            file = self.find_mask(number, part)
            if file is None:
                continue  # not every face has a hat
            mask = read_mask(file)
            if labels is None:
                check_shape(file, mask.shape, shape)
                labels = np.zeros(mask.shape, np.uint8)
            if mask.shape != labels.shape:
                raise UserError(
                    f"{file}: is {size_of(mask)} but the image's other masks are {size_of(labels)} (height x width); "
                    "replace it"
                )
            labels[mask] = label
        expected = self.root / MASKS / str(number // MASKS_PER_FOLDER) / f"{number:05d}_*.png"
        if labels is None:
            raise UserError(f"{image}: has no mask {expected}; unpack the masks again or remove the image")
        if not labels.any():
            raise UserError(f"{image}: all its masks, {expected}, are empty; unpack them again or remove the image")
        return labels

    def find_mask(self, number: int, part: str) -> Path | None:
        """The file of a part mask, or None if the image does not have the part."""
        for ending in MASK_ENDINGS:
            file = self.root / MASKS / str(number // MASKS_PER_FOLDER) / f"{number:05d}_{part}{ending}"
            if file.exists():
                return file
        return None


def check_names(folder: Path, numbers: Collection[int], parts: Collection[str]) -> None:
    """Raise UserError for a mask of one of the images that would be passed over: of another name, ending or folder."""
    known = {f"_{part}{ending}" for part in parts for ending in MASK_ENDINGS}
    for below in files_below(folder, IMAGE_ENDINGS):
        place, _, name = below.rpartition("/")
        found = re.match("[0-9]+", name)
        number = int(found[0]) if found else -1
        if found and len(found[0]) == 5 and name[5:] in known and place == str(number // MASKS_PER_FOLDER):
            continue
        if number in numbers:
            raise UserError(
                f"{folder / below}: is no mask of image {number} by its name and folder; rename it to "
                f"{number // MASKS_PER_FOLDER}/{number:05d}_PART.png, where PART is {', '.join(parts)}, or remove it"
            )


def files_in(folder: Path) -> list[str]:
    """The paths of the files in a folder, sorted; empty if there is no folder."""
    return sorted(entry.path for entry in os.scandir(folder)) if folder.is_dir() else []


def numbered_images(folder: Path) -> dict[int, str]:
    """The image files below a folder by their number. Raises UserError for two of one, and for another name."""
    found: dict[int, str] = {}
    for below in files_below(folder, IMAGE_ENDINGS):
        stem = below.rpartition("/")[2].partition(".")[0]
        if not re.fullmatch("[0-9]{1,9}", stem):
            raise UserError(f"{folder / below}: its name is not a number, such as 0.jpg; rename or remove it")
        if (number := int(stem)) in found:
            raise UserError(f"{folder / below}: {found[number]} has the same number; remove one of them")
        found[number] = below
    return found


def read_mask(file: Path) -> np.ndarray:
    """Read a part mask as bool (H, W): where it is brighter than half of its brightest pixel.

    The masks of the download have values 0 and 255; copies have 0 and 1, a palette, 16 bits, or the part as the opaque
    pixels of a picture. Alpha decides if the brightness does not, or in more than two shades; a palette as the last.
    """
    picture = open_labels(file)
    if picture.mode == "L" or picture.mode.startswith("I"):
        levels = np.asarray(picture)
    else:
        *colors, alpha = (np.asarray(band) for band in picture.convert("RGBA").split())
        levels, opaque = np.max(colors, axis=0), alpha >= max(alpha.max() / 2, 1)
        shades = len(np.unique(levels[opaque] if opaque.any() else levels))
        tells = alpha.min() < alpha.max() or not alpha.any()
        if tells and (levels.min() == levels.max() or shades > 2):
            levels = alpha
        elif levels.min() < levels.max():
            levels = np.where(opaque, levels, 0) if opaque.any() else levels
        elif picture.mode == "P":
            levels = np.asarray(picture)
    return levels > levels.max() / 2


def check_layout(root: Path) -> None:
    """Raise UserError if `root` does not look like the dataset."""
    for name in (IMAGES, MASKS):
        if not (root / name).is_dir():
            raise UserError(
                f"{root}: has no folder {name}; set data.root to the unpacked CelebAMask-HQ ({IMAGES}/ and {MASKS}/), "
                "a folder with images/ and labels/, or the output of `composegan prepare`"
            )
