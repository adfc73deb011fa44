"""The plain layout: `images/` and `labels/` side by side, a label file for each image, under the same name.

    root/images/0001.jpg   root/labels/0001.png
or, with splits,
    root/train/images/...  root/train/labels/...  root/validation/images/...  root/validation/labels/...
"""

from __future__ import annotations

from pathlib import Path

from composegan.data.images import decode_labels, read_image
from composegan.data.sample import Sample
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec

IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


class FolderSource:
    """Labelled images of a folder in the plain layout, in the order of their names; files are read when asked for.

    split: the subfolder to read, where there are splits; a folder without splits is all "train".
    skipped: what was left out and why, one line each (`on_error="skip"`; with "stop" the first one is raised).
    Raises UserError for a root that is missing or empty, and for an image without labels or the reverse.
    """

    def __init__(self, root: Path | str, spec: DomainSpec, split: str = "train", on_error: str = "stop") -> None:
        self.root, self.spec = find_split(Path(root), split), spec
        images = list_stems(self.root / "images", IMAGE_ENDINGS)
        labels = list_stems(self.root / "labels", {".png"})
        self.skipped = unpaired(self.root, images, labels)
        if self.skipped and on_error != "skip":
            raise UserError(self.skipped[0])
        stems = sorted(images.keys() & labels.keys())
        if not stems:
            raise UserError(
                f"{self.root}: there are no images with labels in it; images/NAME.jpg and labels/NAME.png are needed"
            )
        self.files = [(images[stem], labels[stem]) for stem in stems]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        image, labels = (self.root / file for file in self.files[index])
        return Sample(read_image(image), decode_labels(labels, self.spec), str(image))


def check_root(root: Path) -> None:
    """Raise UserError when a data root is missing, not a folder, or empty."""
    if not root.exists():
        raise UserError(f"{root}: does not exist; data.root is a folder of labelled images")
    if not root.is_dir():
        raise UserError(f"{root}: is a file; data.root is a folder of labelled images")
    if not any(root.iterdir()):
        raise UserError(f"{root}: is empty; put images/NAME.jpg and labels/NAME.png into it")


def is_plain(root: Path, split: str) -> bool:
    """Whether a folder is in the plain layout: images/ beside labels/, whose files, where there are any, are PNGs."""
    return any((folder / "images").is_dir() and holds_labels(folder / "labels") for folder in (root / split, root))


def holds_labels(folder: Path) -> bool:
    """Whether a folder is empty or has a PNG; other data sets have text files, or folders, in one of this name."""
    return folder.is_dir() and (not any(folder.iterdir()) or any(file.suffix == ".png" for file in folder.iterdir()))


def find_split(root: Path, split: str) -> Path:
    """The folder that holds `images` and `labels` of a split. Raises UserError when there is none."""
    check_root(root)
    if (root / split / "images").is_dir():
        return root / split
    splits = [name for name in ("train", "validation") if (root / name / "images").is_dir()]
    if splits or split != "train":
        there = f"has only {splits[0]!r}" if splits else "is not divided into train/ and validation/"
        raise UserError(
            f"{root}: has no split {split!r}; it {there}; give data.split={splits[0] if splits else 'train'}"
        )
    return root


def list_stems(folder: Path, endings: set[str]) -> dict[str, str]:
    """Files with one of the endings, as stem -> path below the folder's parent.

    Raises UserError: there is no such folder, or two files have the same stem.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: does not exist; a data root has images/ and labels/ in it")
    found: dict[str, str] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in endings or file.name.startswith("."):
            continue
        if file.stem in found:
            raise UserError(f"{file}: {found[file.stem]} has the same name without its ending; rename one of them")
        found[file.stem] = f"{folder.name}/{file.name}"
    return found


def unpaired(root: Path, images: dict[str, str], labels: dict[str, str]) -> list[str]:
    """A line for images without labels and one for labels without image, where there are any."""
    lines = []
    for there, other, missing, remedy in (
        (images, labels, "labels", "add labels/{stem}.png or remove the image"),
        (labels, images, "image", "add its image or remove the labels"),
    ):
        alone = sorted(there.keys() - other.keys())
        if alone:
            more = f", and {len(alone) - 1} more" if len(alone) > 1 else ""
            lines.append(f"{root / there[alone[0]]}: has no {missing}{more}; {remedy.format(stem=alone[0])}")
    return lines
