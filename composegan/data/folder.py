"""The plain layout: `images/` and `labels/` side by side, with one label file per image, of the same name.

    root/images/0001.jpg   root/labels/0001.png
or, with splits,
    root/train/images/...  root/train/labels/...  root/validation/images/...  root/validation/labels/...
A pair may also be in subfolders of the same name: images/night/0001.jpg, labels/night/0001.png.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from composegan.data.files import by_stem, files_below, name_of
from composegan.data.fingerprints import fingerprint_of_files
from composegan.data.pairs import pair_warnings, read_pair
from composegan.data.sample import Sample
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec

SPLIT_NAMES = re.compile("(train|training|val|valid|validation|test|testing)([-_ ]?[0-9]+)?", re.IGNORECASE)
IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


class FolderSource:
    """Labelled images of a folder in the plain layout, in the order of their names, read lazily and unchecked.

    split: the subfolder to read, where there are splits; a folder without splits is all "train".
    skipped: a line for each kind of unpaired files, when on_error is "skip"; "stop" raises the first.
    Raises UserError for a root that is missing or empty, and for an image without labels or the reverse.
    """

    def __init__(self, root: Path | str, spec: DomainSpec, split: str = "train", on_error: str = "stop") -> None:
        self.root, self.spec = find_split(Path(root), split), spec
        images = list_stems(self.root / "images", IMAGE_ENDINGS)
        _check_no_splits(self.root / "images", images)
        labels = list_stems(self.root / "labels", {".png"})
        self.skipped = _unpaired(self.root, images, labels)
        if self.skipped and on_error != "skip":
            raise UserError(self.skipped[0])
        self.files = [(images[stem], labels[stem]) for stem in sorted(images.keys() & labels.keys())]
        if not self.files:
            raise UserError(
                f"{self.root}: there are no images with labels in it; add images/NAME.jpg and labels/NAME.png"
            )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        image, labels = (self.root / file for file in self.files[index])
        return Sample(*read_pair(image, labels, self.spec, same_size=True), str(image))

    def warnings(self) -> list[str]:
        """What the files show, see `pair_warnings`."""
        return pair_warnings([(self.root / image, self.root / labels) for image, labels in self.files], self.spec)

    def fingerprint(self) -> str:
        """A hash of all files and of the classes' colors, see `composegan.data.fingerprints`."""
        files = (self.root / file for pair in self.files for file in pair)
        return fingerprint_of_files(files, self.spec.classes)


def check_root(root: Path, holds: str = "a folder of labelled images") -> None:
    """Raise UserError when a data root is missing, not a folder, or empty. holds: what it should be."""
    if not root.exists():
        raise UserError(f"{root}: does not exist; data.root is {holds}")
    if not root.is_dir():
        raise UserError(f"{root}: is a file; data.root is {holds}")
    if not any(root.iterdir()):
        raise UserError(f"{root}: is empty; data.root is {holds}")


def is_plain(root: Path, split: str) -> bool:
    """Whether a folder is in the plain layout: images/ beside a labels/ that is empty or has a PNG in it.

    Other data sets have text files in a folder of that name.
    """
    for folder in (root / split, root):
        labels = folder / "labels"
        if (folder / "images").is_dir() and labels.is_dir():
            return not any(labels.iterdir()) or bool(files_below(labels, {".png"}))
    return False


def find_split(root: Path, split: str) -> Path:
    """The folder that holds `images` and `labels` of a split. Raises UserError when there is none, or another set."""
    check_root(root)
    if (root / split / "images").is_dir():
        if (root / "images").is_dir():
            raise UserError(f"{root}: has both images/ and {split}/images/ in it; move one of them elsewhere")
        return root / split
    splits = [name for name in ("train", "validation") if (root / name / "images").is_dir()]
    if splits or split != "train":
        there = f"has only {splits[0]!r}" if splits else "is not divided into train/ and validation/"
        remedy = f"give data.split={splits[0] if splits else 'train'}"
        raise UserError(f"{root}: has no split {split!r}; it {there}; {remedy}")
    return root


def list_stems(folder: Path, endings: set[str]) -> dict[str, str]:
    """Files with one of the endings in `folder` and below it, as stem -> path below the folder's parent.

    The stem of a file in a subfolder contains the subfolder, as in `night/0001`. Raises UserError for a missing folder
    and for two files with the same stem.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: does not exist; a data root has images/ and labels/ in it")
    stems = by_stem(files_below(folder, endings), folder)
    return {stem: f"{folder.name}/{file}" for stem, file in stems.items()}


def _check_no_splits(folder: Path, stems: Iterable[str]) -> None:
    """Raise UserError when subfolders of images/ are named as splits, all of which would become one."""
    found = sorted(
        name for name in {stem.partition("/")[0] for stem in stems if "/" in stem} if SPLIT_NAMES.fullmatch(name)
    )
    if found:
        remedy = f"move the images to {folder.parent / found[0] / 'images'}, and their labels beside them"
        raise UserError(f"{folder / found[0]}: is named as a split, but is in {folder.name}/; {remedy}")


def _unpaired(root: Path, images: dict[str, str], labels: dict[str, str]) -> list[str]:
    """A line for images without labels and one for labels without an image, where there are any."""
    lines = []
    for present, other, missing, remedy in (
        (images, labels, "labels", "add labels/{stem}.png or remove the image"),
        (labels, images, "image", "add its image or remove the labels"),
    ):
        alone = sorted(present.keys() - other.keys())
        if alone:
            more = f", and {len(alone) - 1} more" if len(alone) > 1 else ""
            if missing == "labels" and (file := _not_png(root, alone[0])):
                missing = f"PNG labels but {file}"
                remedy = "save them as labels/{stem}.png (JPEG changes label values: convert the originals)"
            lines.append(f"{root / present[alone[0]]}: has no {missing}{more}; {remedy.format(stem=alone[0])}")
    return lines


def _not_png(root: Path, stem: str) -> str:
    """The first picture in labels/ with this stem and another ending than .png, as a path below `root`; "" for none."""
    files = files_below(root / "labels", IMAGE_ENDINGS - {".png"})
    return next((f"labels/{file}" for file in files if name_of(Path(file).with_suffix("").as_posix()) == stem), "")
