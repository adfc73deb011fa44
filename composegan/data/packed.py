"""The packed form of any source: two arrays and an index, which opens instantly whatever the number of images.

    images.npy   uint8 (N, 3, H, W): a batch is one gather, already in the networks' layout
    labels.npy   uint8 (N, H, W)
    index.json   format version, names, classes, vocabulary, size, origin

packing.py writes a folder elsewhere and renames it once it is complete.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from composegan.data.fingerprints import fingerprint_of_files
from composegan.data.sample import Sample
from composegan.errors import UserError
from composegan.io.guarded import check_file, read_json, reading
from composegan.io.schema import COUNT, STRING, check
from composegan.plugin.domain import DomainSpec

FORMAT = 1
IMAGES, LABELS, INDEX = "images.npy", "labels.npy", "index.json"
SCHEMA = {
    "domain": STRING, "vocabulary": STRING, "classes": [STRING], "height": COUNT, "width": COUNT, "split": STRING,
    "source": STRING, "names": [STRING], "skipped": [STRING], "id?": STRING, "content?": STRING,
}  # fmt: skip
"""The content of index.json, besides its format."""
REMEDY = "delete the folder and run the same command again"


@dataclass(frozen=True)
class PackedIndex:
    """The content of index.json. skipped: a line for each item that was left out as unreadable.

    id: random, different for every packed folder; content: hash of all images and labels. Folders of older versions
    have neither.
    """

    format: int
    domain: str
    vocabulary: str
    classes: list[str]
    height: int
    width: int
    split: str
    source: str
    names: list[str]
    skipped: list[str]
    id: str = ""
    content: str = ""


def is_packed(folder: Path) -> bool:
    """Whether a folder claims to be a packed source."""
    return os.path.isfile(folder / INDEX) or os.path.isfile(folder / IMAGES)


class PackedSource:
    """A packed source, opened for reading. Cheap to pickle: each process maps the files itself.

    Raises UserError, with a remedy, when the folder is damaged or of another format version.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.index = read_index(self.folder / INDEX)
        self.fitted = self.size
        self._arrays: tuple[np.ndarray, np.ndarray] | None = None
        self._open()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of every image, pixels."""
        return self.index.height, self.index.width

    def __len__(self) -> int:
        return len(self.index.names)

    def __getitem__(self, index: int) -> Sample:
        images, labels = self._open()
        return Sample(np.array(images[index]), np.array(labels[index]), f"{self.folder}: {self.index.names[index]}")

    def read_batch(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Copies of several items, for indices int64 (B,): images uint8 (B, 3, H, W), labels uint8 (B, H, W)."""
        images, labels = self._open()
        return images[indices], labels[indices]

    def check(self, spec: DomainSpec, split: str, height: int, width: int) -> None:
        """Raise UserError when it holds another vocabulary or split, or smaller images, than requested.

        Larger images are fitted by the reader; `warnings` then says so.
        """
        if self.index.vocabulary != spec.vocabulary:
            raise UserError(
                f"{self.folder}: was packed for {len(self.index.classes)} classes of domain {self.index.domain!r} "
                f"({', '.join(self.index.classes[:4])}, ...), not those of {spec.name!r}; "
                "run `composegan prepare` again"
            )
        if self.index.split != split:
            raise UserError(
                f"{self.folder}: holds the split {self.index.split!r}, not {split!r}; pack them side by side, "
                "as FOLDER/train and FOLDER/validation, and give data.root=FOLDER"
            )
        if self.index.height < height or self.index.width < width:
            raise UserError(
                f"{self.folder}: was packed at {self.index.height} x {self.index.width}, smaller than {height} x "
                f"{width} (height x width); pack it again at that size, or give data.height and data.width"
            )
        self.fitted = height, width

    def fingerprint(self) -> str:
        """A hash of the folder's identity, content and files, see `composegan.data.fingerprints`."""
        files = [self.folder / name for name in (INDEX, IMAGES, LABELS)]
        return fingerprint_of_files(files, self.index.id, self.index.content, content=not self.index.id)

    def warnings(self) -> list[str]:
        """That the images are cropped or scaled to the size that `check` was called with, if they are."""
        (height, width), (rows, columns) = self.fitted, self.size
        if self.fitted == self.size:
            return []
        done = "scaled" if height * columns == width * rows else "cropped and scaled"
        text = f"{self.folder}: was packed at {rows} x {columns}, and is {done} to {height} x {width} (height x width)"
        return [f"{text} each time it is read; pack it at that size, or give data.height and data.width"]

    def _open(self) -> tuple[np.ndarray, np.ndarray]:
        if self._arrays is None:
            images = map_array(self.folder / IMAGES, (len(self), 3, *self.size))
            self._arrays = images, map_array(self.folder / LABELS, (len(self), *self.size))
        return self._arrays

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arrays": None}


def map_array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """A memory-mapped uint8 array of a known shape. Raises UserError when the file is not that."""
    with reading(path, "an array of a packed folder", REMEDY):
        check_file(path)
        array = np.lib.format.open_memmap(path, mode="r")  # never unpickles
        if array.dtype != np.uint8 or array.shape != shape:
            raise ValueError(f"{array.dtype} {array.shape} instead of uint8 {shape}")
    return np.asarray(array)  # the same memory without np.memmap's cost for every slice


def read_index(path: Path) -> PackedIndex:
    """index.json of a packed folder. Raises UserError when it is missing, damaged or of another version."""
    with reading(path, "the index of a packed folder", REMEDY):
        content = read_json(path)
        if not isinstance(content, dict) or not isinstance(content.get("format"), int):
            raise ValueError("it has no format")
        if content["format"] != FORMAT:
            raise UserError(
                f"{path.parent}: is in packed format {content['format']}, and this composegan reads {FORMAT}; "
                "run `composegan prepare` again"
            )
        check(content, SCHEMA)
        index = PackedIndex(
            **{field.name: content[field.name] for field in fields(PackedIndex) if field.name in content}
        )
        if not (index.names and index.height and index.width):
            raise ValueError(f"it has {len(index.names)} images of {index.height} x {index.width}")
    return index


def write_index(folder: Path, index: PackedIndex) -> None:
    """Write index.json in ASCII: file names need not be Unicode."""
    (folder / INDEX).write_text(json.dumps(asdict(index), indent=1), encoding="utf-8")
