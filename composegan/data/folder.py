"""Folders of images and label files. The plain layout: `images/` and `labels/` side by side, one label file per image.

    root/images/0001.jpg   root/labels/0001.png
or, with splits,
    root/train/images/...  root/train/labels/...  root/validation/images/...  root/validation/labels/...
A pair may also be in subfolders of the same name: images/night/0001.jpg, labels/night/0001.png. A domain's YAML may
name other folders and files, see `composegan.data.layout`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from composegan.data.files import files_below
from composegan.data.fingerprints import fingerprint_of_files
from composegan.data.layout import IMAGE_ENDINGS, PLAIN, Place, places
from composegan.data.pairs import pair_warnings, read_sides
from composegan.data.sample import Sample
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec

SPLIT_NAMES = re.compile("(train|training|val|valid|validation|test|testing)([-_ ]?[0-9]+)?", re.IGNORECASE)


class FolderSource:
    """Labelled images of a folder, in the order of their names, read lazily and unchecked.

    spec: its `scheme` says where the files are and what label values mean; empty: the plain layout.
    split: the subfolder to read, where there are splits; a folder without splits is all "train".
    skipped: a line for each kind of unpaired files, when on_error is "skip"; "stop" raises the first.
    Raises UserError for a root that is missing or empty, and for an image without labels or the reverse.
    """

    def __init__(self, root: Path | str, spec: DomainSpec, split: str = "train", on_error: str = "stop") -> None:
        self.spec = spec
        self.root, image_place, label_place = find_places(Path(root), split, spec)
        images, labels = image_place.stems(self.root), label_place.stems(self.root)
        if image_place.folder == label_place.folder:  # X_L.png is the label file of X.png, and no image
            taken = set(labels.values())
            images = {stem: file for stem, file in images.items() if file not in taken}
        _check_no_splits(self.root / image_place.folder, images)
        self.skipped = _unpaired(self.root, images, labels, image_place, label_place)
        if self.skipped and on_error != "skip":
            raise UserError(self.skipped[0])
        self.files = [(images[stem], labels[stem]) for stem in sorted(images.keys() & labels.keys())]
        if not self.files:
            raise UserError(
                f"{self.root}: there are no images with labels in it; add {image_place.file('NAME', '.jpg')} and "
                f"{label_place.file('NAME')}"
            )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        image, labels = (self.root / file for file in self.files[index])
        pixels, classes, void = read_sides(image, labels, self.spec, same_size=True)
        return Sample(pixels, classes, str(image), void)

    def warnings(self) -> list[str]:
        """What the files show, see `pair_warnings`."""
        return pair_warnings([(self.root / image, self.root / labels) for image, labels in self.files], self.spec)

    def fingerprint(self) -> str:
        """A hash of all files, of the classes' colors and of `ids`, see `composegan.data.fingerprints`."""
        files = (self.root / file for pair in self.files for file in pair)
        return fingerprint_of_files(files, self.spec.classes, *filter(None, (str(self.spec.scheme.ids or ""),)))


def find_places(root: Path, split: str, spec: DomainSpec) -> tuple[Path, Place, Place]:
    """As `places`; without `images` and `labels` in the domain's YAML, those of the plain layout."""
    if spec.scheme.images or spec.scheme.labels:
        check_root(root)
        return places(root, split, spec.scheme)
    return find_split(root, split), *places(root, "train", PLAIN)[1:]


def check_root(root: Path, holds: str = "a folder of labelled images") -> None:
    """Raise UserError when a data root is missing, not a folder, or empty. holds: what it should be."""
    if not root.exists():
        raise UserError(f"{root}: does not exist; data.root is {holds}")
    if not root.is_dir():
        raise UserError(f"{root}: is a file; data.root is {holds}")
    if not any(root.iterdir()):
        raise UserError(f"{root}: is empty; data.root is {holds}")


def is_folder(root: Path, split: str, spec: DomainSpec) -> bool:
    """Whether a folder is in the layout that the domain's YAML describes, else in the plain layout.

    Plain: images/ beside a labels/ that is empty or has a PNG in it; other data sets have text files in a folder of
    that name.
    """
    if spec.scheme.images or spec.scheme.labels:
        try:
            base, *found = places(root, split, spec.scheme)
        except UserError:
            return False
        return all((base / place.folder).is_dir() for place in found)
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


def _check_no_splits(folder: Path, stems: Iterable[str]) -> None:
    """Raise UserError when subfolders of images/ are named as splits, all of which would become one."""
    found = sorted(
        name for name in {stem.partition("/")[0] for stem in stems if "/" in stem} if SPLIT_NAMES.fullmatch(name)
    )
    if found:
        remedy = f"move the images to {folder.parent / found[0] / 'images'}, and their labels beside them"
        raise UserError(f"{folder / found[0]}: is named as a split, but is in {folder.name}/; {remedy}")


def _unpaired(
    root: Path, images: dict[str, str], labels: dict[str, str], image_place: Place, label_place: Place
) -> list[str]:
    """A line for images without labels and one for labels without an image, where there are any.

    Files in a place that all splits share may belong to another split.
    """
    lines, both = [], image_place.shared == label_place.shared
    for present, other, missing, place in (
        (images, labels, "labels", image_place),
        (labels, images, "image", label_place),
    ):
        alone = sorted(present.keys() - other.keys()) if both or not place.shared else []
        if alone:
            stem, more = alone[0], f", and {len(alone) - 1} more" if len(alone) > 1 else ""
            png, remedy = label_place.file(stem), "add its image or remove the labels"
            if missing == "labels" and (file := _not_png(root, stem, label_place)):
                missing = f"PNG labels but {file}"
                remedy = f"save them as {png} (JPEG changes label values: convert the originals)"
            elif missing == "labels":
                remedy = f"add {png} or remove the image"
            lines.append(f"{root / present[stem]}: has no {missing}{more}; {remedy}")
    return lines


def _not_png(root: Path, stem: str, place: Place) -> str:
    """The first picture among the labels with this stem and another ending, as a path below `root`; "" for none."""
    others = replace(place, endings=frozenset(IMAGE_ENDINGS - place.endings))
    return others.stems(root).get(stem, "") if len(place.endings) == 1 else ""
