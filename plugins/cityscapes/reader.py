"""Cityscapes as downloaded, read lazily.

    root/leftImg8bit/<split>/<city>/<city>_000000_000019_leftImg8bit.png    2048 x 1024
    root/gtFine/<split>/<city>/<city>_000000_000019_gtFine_labelIds.png

Split `train` is its train (2,975 images) and `validation` its val (500). With root/gtCoarse in place of root the labels
are the coarse ones, and `train` is its train and train_extra (22,973). Classes of the ids:
domains/cityscapes.yaml. Dataset: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR
2016; for non-commercial use, from https://www.cityscapes-dataset.com.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from composegan.data import Sample, open_picture, read_image, size_of
from composegan.plugin import DomainSpec, UserError
from composegan.plugins.cityscapes.label_ids import LabelIds

IMAGES, FINE, COARSE = "leftImg8bit", "gtFine", "gtCoarse"
SPLITS: dict[str, dict[str, tuple[str, ...]]] = {
    FINE: {"train": ("train",), "validation": ("val",)},
    COARSE: {"train": ("train", "train_extra"), "validation": ("val",)},
}


class Cityscapes:
    """One split: image uint8 (3, H, W) and labels uint8 (H, W) at the files' own size, in the order of their paths.

    root: the folder that has leftImg8bit/ and gtFine/, or the folder gtCoarse/ beside leftImg8bit/. Files are
    read lazily. Raises UserError for another folder, a split without images and an image
    without labels or the reverse and, on reading, for damaged files, invalid ids and sizes that differ.
    """

    def __init__(self, root: Path | str, split: str, spec: DomainSpec) -> None:
        root = Path(root)
        kind, self.root = (COARSE, root.parent) if root.name == COARSE else (FINE, root)
        check_layout(self.root, root, kind)
        self.label_ids = LabelIds.load(spec.foreign["label_ids"], spec)
        folders = SPLITS[kind][split]
        images = list_frames(self.root / IMAGES, folders, f"_{IMAGES}.png")
        labels = list_frames(self.root / kind, folders, f"_{kind}_labelIds.png")
        check_pairs(images, labels, self.root, kind)
        if not images:
            names = " or ".join(str(self.root / IMAGES / name) for name in folders)
            raise UserError(f"{names}: has no CITY/*_{IMAGES}.png; the split {split!r} is read from there")
        self.files = [(images[frame], labels[frame]) for frame in sorted(images)]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        image_file, label_file = self.files[index]
        image = read_image(image_file)
        labels = self.label_ids.classes_of(read_ids(label_file), str(label_file))
        if image.shape[1:] != labels.shape:
            raise UserError(
                f"{label_file}: is {size_of(labels)} and its image {size_of(image[0])} (height x width); replace one"
            )
        return Sample(image, labels, str(image_file))


def read_ids(file: Path) -> np.ndarray:
    """A *_labelIds.png as uint8 (H, W). Raises UserError for a damaged file or one without 8-bit numbers."""
    picture = open_picture(file)
    if picture.mode not in ("L", "P"):
        raise UserError(f"{file}: is a {picture.mode} image; a *_labelIds.png holds one 8-bit id per pixel")
    return np.asarray(picture)


def list_frames(folder: Path, splits: tuple[str, ...], ending: str) -> dict[str, Path]:
    """The files CITY/NAME<ending> of some splits, by `split/CITY/NAME`."""
    return {
        f"{split}/{file.parent.name}/{file.name.removesuffix(ending)}": file
        for split in splits
        for file in (folder / split).glob(f"*/*{ending}")
        if not file.name.startswith(".")
    }


def check_pairs(images: dict[str, Path], labels: dict[str, Path], root: Path, kind: str) -> None:
    """Raise UserError naming the first image without labels, or labels without an image, and their count."""
    for there, other, missing, ending in (
        (images, labels, kind, f"_{kind}_labelIds.png"),
        (labels, images, IMAGES, f"_{IMAGES}.png"),
    ):
        alone = sorted(there.keys() - other.keys())
        if alone:
            more = f", and {len(alone) - 1} more" if len(alone) > 1 else ""
            wanted = root / missing / f"{alone[0]}{ending}"
            raise UserError(f"{there[alone[0]]}: is alone{more}; {wanted} is missing, so unpack the archives again")


def check_layout(root: Path, given: Path, kind: str) -> None:
    """Raise UserError when a folder does not look like the dataset."""
    for name in (IMAGES, kind):
        if not (root / name).is_dir():
            raise UserError(
                f"{given}: there is no folder {root / name}; data.root of Cityscapes is the folder with {IMAGES}/ and "
                f"{FINE}/, or the folder {COARSE}/ beside {IMAGES}/, or one made by `composegan prepare`"
            )
