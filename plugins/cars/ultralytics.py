"""Read Ultralytics' carparts-seg lazily, in either of its published layouts.

    root/images/train/NAME.jpg   root/labels/train/NAME.txt     also val, test
    root/train/images/NAME.jpg   root/train/labels/NAME.txt     also valid, test

Each line of a label file is one part: its number and the corners x0 y0 x1 y1 ... of a polygon, as fractions of the
picture. `train` is "train"; `val` or `valid` is "validation". The names of the numbers come from data.yaml or
carparts-seg.yaml if the folder has one, otherwise from domains/cars.yaml.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from composegan.data import IMAGE_ENDINGS, read_text, read_yaml, reading
from composegan.plugin import DomainSpec, UserError
from composegan.plugins.cars.polygons import Part
from composegan.plugins.cars.readers import CarParts, check_part, check_polygon

SPLITS = {"train": ("train",), "validation": ("val", "valid")}
NAMES = ("data.yaml", "carparts-seg.yaml")
BEYOND = 0.01  # how far outside the picture a rounded corner may lie


def find_splits(root: Path) -> list[tuple[str, Path, Path]]:
    """Return the splits present: (name, image folder, label folder)."""
    found = []
    for name in ("train", "val", "valid", "test"):
        for images, labels in ((f"images/{name}", f"labels/{name}"), (f"{name}/images", f"{name}/labels")):
            if (root / images).is_dir():
                found.append((name, root / images, root / labels))
    return found


def is_ultralytics(root: Path) -> bool:
    """Whether a folder looks like the data set."""
    return bool(find_splits(root))


def open_ultralytics(root: Path, split: str, spec: DomainSpec) -> CarParts:
    """Open a split, ordered by file name. Raises UserError for a missing or empty split or an unknown part name."""
    present = find_splits(root)
    matching = [(images, labels) for name, images, labels in present if name in SPLITS[split]]
    if not matching:
        raise UserError(f"{root}: has no split {split!r} ({' or '.join(SPLITS[split])}); it has {present[0][0]}")
    images, labels = matching[0]
    files = sorted(file for file in images.iterdir() if file.suffix.lower() in IMAGE_ENDINGS)
    if not files:
        raise UserError(f"{images}: contains no images; unpack the data set again")
    return CarParts(files, partial(read_parts, labels, read_names(root, spec)), spec)


def read_names(root: Path, spec: DomainSpec) -> list[str]:
    """Return the part names by number. Raises UserError for a name without a rule in the domain's YAML."""
    for file in (root / name for name in NAMES):
        if not file.exists():
            continue
        content = read_yaml(file)
        names = content.get("names") if isinstance(content, dict) else None
        if isinstance(names, dict) and all(isinstance(number, int) for number in names):
            names = [names[number] for number in sorted(names)]
        if not isinstance(names, list):
            raise UserError(f"{file}: has no list `names`; remove the file to use the published names")
        # Published copies of this file have "back_door,", with a comma.
        return [check_part(str(name).rstrip(","), spec, f"{file}: names[{k}]") for k, name in enumerate(names)]
    return list(spec.foreign["ultralytics"])


def read_parts(labels: Path, names: list[str], file: Path, height: int, width: int) -> list[Part]:
    """Return the parts of one image."""
    text = labels / f"{file.stem}.txt"
    with reading(text, remedy=f"it has the labels of {file}; restore it or remove the image"):
        lines = read_text(text).splitlines()
    parts = []
    for number, line in enumerate(lines, start=1):
        words, where = line.split(), f"{text}, line {number}"
        if not words:
            continue
        if not re.fullmatch("[0-9]{1,4}", words[0]) or int(words[0]) >= len(names):
            raise UserError(f"{where}: unknown part {words[0][:40]!r}; parts are 0 to {len(names) - 1}")
        corners = check_polygon(words[1:], where)
        if corners.min() < -BEYOND or corners.max() > 1 + BEYOND:
            raise UserError(f"{where}: a corner lies outside the picture; coordinates are fractions, 0 to 1")
        parts.append(Part(names[int(words[0])], [corners * (width, height)]))
    return parts
