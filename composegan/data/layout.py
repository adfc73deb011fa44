"""Where the images and label files of a folder are: the plain layout, or what a domain's YAML says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from composegan.data.files import files_below, name_of
from composegan.errors import UserError
from composegan.plugin.label_scheme import SPLITS, LabelScheme

IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True)
class Place:
    """Files in a folder and below it, `BEFORE*AFTER` with one of the endings. `*` is their stem.

    folder: below the root, "" for the root itself. shared: whether all splits have this place.
    """

    folder: str
    endings: frozenset[str]
    before: str = ""
    after: str = ""
    shared: bool = False

    @classmethod
    def of(cls, text: str, endings: set[str], shared: bool = False) -> Place:
        """From `trainannot` or `trainannot/*_L.png`. endings: of files whose pattern has none."""
        folder, _, name = ("", "", text) if "/" not in text and "*" in text else text.rpartition("/")
        if "*" not in name:
            return cls(text, frozenset(endings), shared=shared)
        before, _, after = name.partition("*")
        rest, ending = os.path.splitext(after if after.strip(".") else "")
        if after.startswith(".") and not ending:  # `*.png`: splitext reads this as a name
            rest, ending = "", after
        return cls(folder, frozenset({ending.lower()} if ending else endings), before, rest, shared)

    def stems(self, root: Path) -> dict[str, str]:
        """stem -> path below `root`. The stem of a file in a subfolder contains the subfolder, as in `night/0001`.

        Raises UserError for a missing folder and for two files with the same stem.
        """
        if not (root / self.folder).is_dir():
            raise UserError(f"{root / self.folder}: does not exist; a data root has {self} in it")
        prefix = f"{self.folder}/" if self.folder else ""
        found: dict[str, str] = {}
        for file in files_below(root / self.folder, self.endings):
            above, _, name = os.path.splitext(file)[0].rpartition("/")
            if not (name.startswith(self.before) and name.endswith(self.after)):
                continue
            part = name[len(self.before) : len(name) - len(self.after)]
            stem = name_of(f"{above}/{part}" if above else part)
            if stem in found:
                other = found[stem].removeprefix(prefix)
                remedy = "has the same name without its ending; rename one of them"
                raise UserError(f"{root / prefix / file}: {other} {remedy}")
            found[stem] = prefix + file
        return found

    def file(self, stem: str, ending: str = ".png") -> str:
        """The path below the root that a file of this stem would have. ending: if the pattern has none."""
        above, _, part = stem.rpartition("/")
        ending = next(iter(self.endings)) if len(self.endings) == 1 else ending
        return "/".join(filter(None, (self.folder, above, f"{self.before}{part}{self.after}{ending}")))

    def __str__(self) -> str:
        pattern = f"{self.before}*{self.after}" if self.before or self.after else ""
        return "/".join(filter(None, (self.folder, pattern))) + ("" if pattern else "/")


PLAIN = LabelScheme(images={"": "images"}, labels={"": "labels"})


def places(root: Path, split: str, scheme: LabelScheme) -> tuple[Path, Place, Place]:
    """The folder below which the images and labels of a split are, and their places in it, by the YAML of a domain.

    Raises UserError where the YAML or the folder has no such split.
    """
    images, labels = (
        _place(split, texts or plain, root, key, endings)
        for key, texts, plain, endings in (
            ("images", scheme.images, PLAIN.images, IMAGE_ENDINGS),
            ("labels", scheme.labels, PLAIN.labels, {".png"}),
        )
    )
    if not (images.shared and labels.shared):
        return root, images, labels
    if (root / split / images.folder).is_dir():
        return root / split, images, labels
    if split != "train":
        both = f"`images: {{train: {images.folder}, {split}: FOLDER}}`"
        raise UserError(
            f"{root}: has no split {split!r}; add {split}/{images.folder}, write {both} in the YAML, or give "
            "data.split=train"
        )
    return root, images, labels


def _place(split: str, texts: Mapping[str, str], root: Path, key: str, endings: set[str]) -> Place:
    if split not in texts and "" not in texts:
        known = next(name for name in SPLITS if name in texts)
        only = f"`{key}` of the YAML has only {known!r}"
        raise UserError(f"{root}: has no split {split!r}; {only}; add it there, or give data.split={known}")
    return Place.of(texts.get(split, texts.get("", "")), endings, shared=split not in texts)
