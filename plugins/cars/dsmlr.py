"""Read the Car Parts Dataset (github.com/dsmlr/Car-Parts-Segmentation), in the layout of the download, lazily.

    root/trainingset/annotations.json   root/trainingset/JPEGImages/train1.jpg ...   400 images
    root/testset/annotations.json       root/testset/JPEGImages/te1.jpg ...          100 images, here "validation"

annotations.json is in the COCO format: `images` (id, file_name, path, width, height), `categories` (id, name) and
`annotations` (image_id, category_id, segmentation: a list of polygons x0 y0 x1 y1 ... in pixels). Dataset: Pasupa,
Kittiworapanya, Hongngern, Woraratpanya, "Evaluation of deep learning algorithms for semantic segmentation of car
parts", Complex & Intelligent Systems, 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from composegan.data import IMAGE_ENDINGS, files_below, name_of, read_json, reading
from composegan.plugin import DomainSpec, UserError
from composegan.plugins.cars.polygons import Part
from composegan.plugins.cars.readers import MOST_PARTS, CarParts, check_part, check_polygon

FOLDERS = {"train": "trainingset", "validation": "testset"}
FILE, IMAGES = "annotations.json", "JPEGImages"


@dataclass
class AnnotatedImage:
    """An image of annotations.json and its parts: (index in the file, name, polygons not yet validated)."""

    file: Path
    height: int | None
    width: int | None
    parts: list[tuple[int, str, Any]] = field(default_factory=list)


def is_dsmlr(root: Path) -> bool:
    """Whether a folder looks like the data set or one of its splits."""
    return any((root / folder).is_dir() for folder in FOLDERS.values())


def open_dsmlr(root: Path, split: str, spec: DomainSpec) -> CarParts:
    """Open a split, in the order of its file. Raises UserError that names annotations.json and the invalid entry."""
    folder = root / FOLDERS[split]
    file = folder / FILE
    content = read_annotations(file)
    names = {}
    for place, category in enumerate(entries(content, "categories", ("id", "name"), file)):
        if category["id"] in names:
            raise UserError(f"{file}: categories[{place}]: id {category['id']} occurs twice; ids must be unique")
        names[category["id"]] = check_part(category["name"], spec, f"{file}: categories[{place}]")
    images: dict[int, AnnotatedImage] = {}
    annotated: dict[Path, AnnotatedImage] = {}
    present = images_in(folder)
    for place, entry in enumerate(entries(content, "images", ("id", "file_name"), file)):
        where = f"{file}: images[{place}]"
        if entry["id"] in images:
            raise UserError(f"{where}: id {entry['id']} occurs twice; ids must be unique")
        if wrong := [key for key in ("height", "width") if type(entry.get(key)) not in (int, float, type(None))]:
            raise UserError(f"{where}: {wrong[0]} is {repr(entry[wrong[0]])[:40]}; it must be a number")
        image = AnnotatedImage(find_image(folder, present, entry, where), entry.get("height"), entry.get("width"))
        if image.file in annotated:
            raise UserError(f"{where}: {entry['file_name']} is the file of an earlier entry; keep one")
        images[entry["id"]] = annotated[image.file] = image
    for place, item in enumerate(entries(content, "annotations", ("image_id", "category_id", "segmentation"), file)):
        for key, known in (("category_id", names), ("image_id", images)):
            if item[key] not in known:
                raise UserError(f"{file}: annotations[{place}]: {key} {str(item[key])[:40]} is not defined in the file")
        images[item["image_id"]].parts.append((place, names[item["category_id"]], item["segmentation"]))
    if not images:
        raise UserError(f"{file}: lists no images; download the data set again")
    return CarParts(list(annotated), [file], partial(read_parts, file, annotated), spec)


def images_in(folder: Path) -> dict[str, list[Path]]:
    """The images below a folder, by their path below it and by each ending of that path, such as `a/1.jpg`, `1.jpg`."""
    found: dict[str, list[Path]] = {}
    for below in files_below(folder, IMAGE_ENDINGS):
        parts = name_of(below).split("/")
        for start in range(len(parts)):
            found.setdefault("/".join(parts[start:]), []).append(folder / below)
    return found


def find_image(folder: Path, present: Mapping[str, Sequence[Path]], entry: Mapping[str, Any], where: str) -> Path:
    """The file of an entry of `images`: JPEGImages/NAME, or the one that its name fits. Raises UserError for several.

    A file that does not exist is reported when it is read. present: see `images_in`.
    """
    name = name_of(str(entry["file_name"]).replace("\\", "/"))
    parts = name.split("/")
    flat = (folder, folder / IMAGES)
    for wanted in (f"{IMAGES}/{name}", *("/".join(parts[start:]) for start in range(len(parts)))):
        found = present.get(wanted, ())
        if len(parts) > 1 and wanted == parts[-1]:  # not the file of that name in another subfolder
            found = [file for file in found if file.parent in flat]
        if len(found) > 1:
            raise UserError(f"{where}: file_name {name} may be {found[0]} or {found[1]}; write the folder as well")
        if found:
            return found[0]
    return folder / IMAGES / name.rpartition("/")[2]


def read_parts(source: Path, annotated: dict[Path, AnnotatedImage], file: Path, height: int, width: int) -> list[Part]:
    """Return the parts of one image. source: its annotations.json, for errors."""
    image, parts, size = annotated[file], [], np.array([width, height])
    beyond = max(height, width)
    if (image.height or height, image.width or width) != (height, width):
        raise UserError(
            f"{file}: is {height} x {width} but {source} gives {image.height} x {image.width} (height x width); "
            "download the image again"
        )
    if len(image.parts) > MOST_PARTS:
        raise UserError(f"{source}: {file.name} has {len(image.parts):,} annotations; the limit is {MOST_PARTS:,}")
    for place, name, polygons in image.parts:
        where = f"{source}: annotations[{place}] ({name} in {file.name})"
        if not isinstance(polygons, list) or not all(isinstance(values, list) for values in polygons):
            raise UserError(f"{where}: segmentation must be a list of polygons")
        if any(polygons):
            found = [check_polygon(values, where) for values in polygons[:MOST_PARTS] if values]
            if any((corners < -beyond).any() or (corners > size + beyond).any() for corners in found):
                raise UserError(f"{where}: a corner lies far outside the picture, which is {height} x {width}")
            parts.append(Part(name, found))
    return parts


def read_annotations(file: Path) -> dict[str, Any]:
    """Read a COCO file. Raises UserError if it is missing, damaged or not an object."""
    with reading(file, remedy="download the data set again"):
        content = read_json(file)
    if not isinstance(content, dict):
        raise UserError(f"{file}: is not a COCO file (an object with images, ...); download the data set again")
    return content


def entries(content: dict[str, Any], key: str, needed: tuple[str, ...], file: Path) -> list[dict[str, Any]]:
    """Return a list of a COCO file. Raises UserError if it is missing or an entry lacks a required field."""
    items = content.get(key)
    if not isinstance(items, list):
        raise UserError(f"{file}: has no list {key!r}; a COCO file has images, categories and annotations")
    for place, item in enumerate(items):
        missing = [name for name in needed if not isinstance(item, dict) or name not in item]
        if missing:
            raise UserError(f"{file}: {key}[{place}] has no {missing[0]}")
        wrong = [name for name in needed if name.endswith("id") and type(item[name]) is not int]
        if wrong:
            raise UserError(f"{file}: {key}[{place}]: {wrong[0]} is {repr(item[wrong[0]])[:40]}; it must be a number")
    return items
