"""Read Cityscapes, in the layout of the download, lazily.

    root/leftImg8bit/<split>/<city>/<city>_000000_000019_leftImg8bit.png    2048 x 1024
    root/gtFine/<split>/<city>/<city>_000000_000019_gtFine_labelIds.png

Split `train` is its train (2,975 images) and `validation` its val (500). With root/gtCoarse as root, the labels are the
coarse ones, and `train` is its train and train_extra (22,973). domains/cityscapes.yaml maps the ids to classes.
Dataset: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016; for non-commercial
use, from https://www.cityscapes-dataset.com.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np

from composegan.data import (
    Sample,
    files_below,
    fingerprint_of_files,
    name_of,
    photo_warnings,
    read_image,
    read_numbers,
    size_of,
)
from composegan.plugin import DomainSpec, UserError
from composegan.plugins.cityscapes.label_ids import ids_to_classes, read_id_table

IMAGES, FINE, COARSE = "leftImg8bit", "gtFine", "gtCoarse"
SPLITS: dict[str, dict[str, tuple[str, ...]]] = {
    FINE: {"train": ("train",), "validation": ("val",)},
    COARSE: {"train": ("train", "train_extra"), "validation": ("val",)},
}


class Cityscapes:
    """One split: image uint8 (3, H, W) and labels uint8 (H, W) at the files' own size, in the order of their paths.

    root: the folder with leftImg8bit/ and gtFine/, or the folder gtCoarse/ beside leftImg8bit/. The constructor lists
    the files and raises UserError for another folder, an empty split and unpaired files. Indexing reads them and raises
    UserError for damaged files, invalid ids and sizes that differ.
    """

    def __init__(self, root: Path | str, split: str, spec: DomainSpec) -> None:
        root = Path(root)
        kind, self.root = (COARSE, root.parent) if root.name == COARSE else (FINE, root)
        check_layout(self.root, root, kind)
        self.id_table = read_id_table(spec.foreign["label_ids"], spec)
        folders = SPLITS[kind][split]
        images = list_frames(self.root / IMAGES, folders, f"_{IMAGES}.png")
        labels = list_frames(self.root / kind, folders, f"_{kind}_labelIds.png")
        check_pairs(images, labels, self.root, kind)
        if not images:
            names = " or ".join(str(self.root / IMAGES / name) for name in folders)
            raise UserError(f"{names}: contains no CITY/*_{IMAGES}.png for split {split!r}; unpack the archives")
        self.files = [(images[frame], labels[frame]) for frame in sorted(images)]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        image_file, label_file = self.files[index]
        image = read_image(image_file)
        labels = ids_to_classes(read_ids(label_file), self.id_table, str(label_file))
        if image.shape[1:] != labels.shape:
            raise UserError(
                f"{label_file}: is {size_of(labels)} but its image {size_of(image[0])} (height x width); replace one"
            )
        return Sample(image, labels, str(image_file))

    def warnings(self) -> list[str]:
        """What the images show that may not be meant as it is read."""
        return photo_warnings([image for image, _ in self.files])

    def fingerprint(self) -> str:
        """A hash of all files and of the classes of the ids."""
        return fingerprint_of_files(chain.from_iterable(self.files), self.id_table.tolist())


def read_ids(file: Path) -> np.ndarray:
    """Read a *_labelIds.png as uint8 (H, W). Raises UserError for a damaged file or one without 8-bit values."""
    ids = read_numbers(file)
    if ids.dtype != np.uint8:
        raise UserError(f"{file}: holds {ids.dtype} values; a *_labelIds.png holds one 8-bit id per pixel")
    return ids


def list_frames(folder: Path, splits: tuple[str, ...], ending: str) -> dict[str, Path]:
    """Find the files CITY/NAME<ending> of some splits, by `split/CITY/NAME`, in any folder and in any case."""
    return {
        f"{split}/{name_of(file[: -len(ending)])}": folder / split / file
        for split in splits
        if (folder / split).is_dir()
        for file in files_below(folder / split, {".png"})
        if file.lower().endswith(ending.lower())
    }


def check_pairs(images: dict[str, Path], labels: dict[str, Path], root: Path, kind: str) -> None:
    """Raise UserError that names the first image without labels, or labels without an image, and counts the others."""
    for present, other, missing, ending in (
        (images, labels, kind, f"_{kind}_labelIds.png"),
        (labels, images, IMAGES, f"_{IMAGES}.png"),
    ):
        unpaired = sorted(present.keys() - other.keys())
        if unpaired:
            first, more = unpaired[0], f" (and {len(unpaired) - 1} more files)" if len(unpaired) > 1 else ""
            wanted = root / missing / f"{first}{ending}"
            raise UserError(f"{present[first]}: has no counterpart {wanted}{more}; unpack the archives again")


def check_layout(root: Path, given: Path, kind: str) -> None:
    """Raise UserError if `root` does not look like the dataset. given: the folder that the user gave."""
    for name in (IMAGES, kind):
        if not (root / name).is_dir():
            raise UserError(
                f"{given}: folder {root / name} does not exist; set data.root to the folder with {IMAGES}/ and "
                f"{FINE}/, to the folder {COARSE}/ beside {IMAGES}/, or to the output of `composegan prepare`"
            )
