"""Read Ultralytics' carparts-seg lazily, in either of its published layouts.

    root/images/train/NAME.jpg   root/labels/train/NAME.txt     also val, test
    root/train/images/NAME.jpg   root/train/labels/NAME.txt     also valid, test

Each line of a label file is one part: its number and the corners x0 y0 x1 y1 ... of a polygon, as fractions of the
picture. `train` is "train"; `val` or `valid` is "validation". The names of the numbers come from the YAML file in the
folder (data.yaml or any other with `names`), or classes.txt or obj.names, otherwise from domains/cars.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from composegan.data import IMAGE_ENDINGS, by_stem, files_below, read_text, read_yaml, reading
from composegan.plugin import DomainSpec, UserError
from composegan.plugins.cars.polygons import Part
from composegan.plugins.cars.readers import CarParts, check_part, check_polygon

SPLITS = {"train": ("train",), "validation": ("val", "valid")}
NAMES = ("data.yaml", "carparts-seg.yaml")  # must have `names`; other YAML files may be about something else
NAMES_BY_LINE = ("classes.txt", "obj.names")
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
    if len(matching) > 1:
        raise UserError(f"{images}: split {split!r} is also in {matching[1][0]}; remove or merge one")
    pictures = {images / file: stem for stem, file in by_stem(files_below(images, IMAGE_ENDINGS), images).items()}
    if not pictures:
        raise UserError(f"{images}: contains no images; unpack the data set again")
    texts = by_stem(files_below(labels, {".txt"}), labels) if labels.is_dir() else {}
    label_files = {file: labels / texts.get(stem, f"{stem}.txt") for file, stem in pictures.items()}
    named = files_with_names(root, root / "labels", labels)
    reader = partial(read_parts, label_files, read_names(named, spec))
    return CarParts(sorted(pictures), [*label_files.values(), *named], reader, spec)


def files_with_names(*folders: Path) -> list[Path]:
    """The files directly in some folders that may hold the part names, each once."""
    found = {
        file: None
        for folder in folders
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if not file.name.startswith(".")
        and (file.suffix.lower() in (".yaml", ".yml") or file.name.lower() in NAMES_BY_LINE)
    }
    return list(found)


def read_names(files: Sequence[Path], spec: DomainSpec) -> dict[int, str]:
    """Return the part names by number: from `files`, if one holds names, otherwise from the domain's YAML.

    Raises UserError for a name without a rule in the domain's YAML, a number below 0, and two files that differ.
    """
    found = {file: names for file in files if (names := names_in(file, spec)) is not None}
    if not found:
        return dict(enumerate(spec.foreign["ultralytics"]))
    first, names = next(iter(found.items()))
    for file in found:
        if found[file] != names:
            raise UserError(f"{file}: its names differ from those in {first}; remove one of the files")
    return names


def names_in(file: Path, spec: DomainSpec) -> dict[int, str] | None:
    """The part names in a file, by number; None in a YAML file without `names` that need not have them."""
    if file.name.lower() in NAMES_BY_LINE:
        with reading(file):
            names: object = [line.strip() for line in read_text(file).splitlines() if line.strip()]
    else:
        content = read_yaml(file)
        names = content.get("names") if isinstance(content, dict) else None
        if names is None and file.name not in NAMES:
            return None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict):
        raise UserError(f"{file}: has no list `names`; remove the file to use the published names")
    for number in names:
        if type(number) is not int or number < 0:
            raise UserError(f"{file}: names[{number}]: part numbers are whole numbers from 0; correct it")
    # Published copies of this file have "back_door,", with a comma.
    return {k: check_part(str(name).rstrip(","), spec, f"{file}: names[{k}]") for k, name in names.items()}


def read_parts(
    label_files: Mapping[Path, Path], names: Mapping[int, str], file: Path, height: int, width: int
) -> list[Part]:
    """Return the parts of one image. label_files: image -> its label file; names: by number."""
    text = label_files[file]
    with reading(text, remedy=f"it has the labels of {file}; restore it or remove the image"):
        lines = read_text(text).splitlines()
    parts = []
    for number, line in enumerate(lines, start=1):
        words, where = line.split(), f"{text}, line {number}"
        if not words:
            continue
        part = names.get(int(words[0])) if re.fullmatch("[0-9]{1,4}", words[0]) else None
        if part is None:
            raise UserError(f"{where}: unknown part {words[0][:40]!r}; parts are {in_words(names)}")
        corners = check_polygon(words[1:], where)
        if corners.min() < -BEYOND or corners.max() > 1 + BEYOND:
            raise UserError(f"{where}: a corner lies outside the picture; coordinates are fractions, 0 to 1")
        parts.append(Part(part, [corners * (width, height)]))
    return parts


def in_words(numbers: Iterable[int]) -> str:
    """Part numbers as `0 to 22` or, if there are gaps, `1, 2, 5`."""
    known = sorted(numbers)
    if known and known == list(range(known[0], known[-1] + 1)):
        return f"{known[0]} to {known[-1]}"
    return ", ".join(map(str, known)) or "not named at all"
