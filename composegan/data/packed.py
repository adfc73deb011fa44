"""The packed form of any source: two arrays and an index, opened in an instant however many images there are.

    images.npy   uint8 (N, 3, H, W): a batch is one gather, already in the order the networks want
    labels.npy   uint8 (N, H, W)
    index.json   what it is: format version, names, classes, vocabulary, size, where it came from

A folder is packed whole or not at all: it is written elsewhere and renamed when complete (packing.py).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from composegan.data.sample import Sample
from composegan.errors import UserError, first_line
from composegan.io.guarded import check_file, read_json
from composegan.plugin.domain import DomainSpec

FORMAT = 1
IMAGES, LABELS, INDEX = "images.npy", "labels.npy", "index.json"


@dataclass(frozen=True)
class PackedIndex:
    """What index.json holds. skipped: a line for each item that could not be read, when those were to be skipped."""

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


def is_packed(folder: Path) -> bool:
    """Whether a folder claims to be a packed source."""
    return (folder / INDEX).is_file() or (folder / IMAGES).is_file()


class PackedSource:
    """A packed source, opened for reading. Cheap to pickle: each process maps the files itself.

    Raises UserError when the folder is damaged or of another format version, and says how to make it anew.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.index = read_index(self.folder)
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
        """Many at once: (images uint8 (B, 3, H, W), labels uint8 (B, H, W)), copies, for indices int64 (B,)."""
        images, labels = self._open()
        return images[indices], labels[indices]

    def check(self, spec: DomainSpec, split: str, height: int, width: int) -> None:
        """Raise UserError when it holds another vocabulary or split, or smaller images, than asked for."""
        if self.index.vocabulary != spec.vocabulary:
            raise UserError(
                f"{self.folder}: was packed for {len(self.index.classes)} classes of domain {self.index.domain!r} "
                f"({', '.join(self.index.classes[:4])}, ...), not those of {spec.name!r}; "
                "run `composegan prepare` again"
            )
        if self.index.split != split:
            raise UserError(
                f"{self.folder}: holds the split {self.index.split!r}, not {split!r}; pack both beside each other, "
                "as FOLDER/train and FOLDER/validation, and give data.root=FOLDER"
            )
        if self.index.height < height or self.index.width < width:
            raise UserError(
                f"{self.folder}: was packed at {self.index.height} x {self.index.width}, and {height} x {width} is "
                "asked for (height x width); pack it again at that size, or give data.height and data.width"
            )

    def _open(self) -> tuple[np.ndarray, np.ndarray]:
        if self._arrays is None:
            height, width = self.size
            images = map_array(self.folder / IMAGES, (len(self), 3, height, width))
            self._arrays = images, map_array(self.folder / LABELS, (len(self), height, width))
        return self._arrays

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arrays": None}


def map_array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """A memory-mapped uint8 array of a known shape. Raises UserError when the file is not that."""
    try:
        check_file(path)
        with np.errstate(over="raise"):  # in the size of a damaged header's shape
            array = np.lib.format.open_memmap(path, mode="r")  # reads no pickles and no other kind of file
    except Exception as error:  # in a damaged header anything can go wrong
        raise damaged(path.parent, f"{path.name} cannot be read: {first_line(error)}") from error
    if array.dtype != np.uint8 or array.shape != shape:
        raise damaged(path.parent, f"{path.name} is {array.dtype} {array.shape} instead of uint8 {shape}")
    return np.asarray(array)  # the same memory without np.memmap's cost for every slice


def read_index(folder: Path) -> PackedIndex:
    """index.json of a packed folder. Raises UserError when it is missing, damaged or of another version."""
    try:
        content = read_json(folder / INDEX)
        if not isinstance(content, dict) or not isinstance(content.get("format"), int):
            raise ValueError("not an index")
        if content["format"] != FORMAT:
            raise UserError(
                f"{folder}: is in packed format {content['format']}, and this composegan reads {FORMAT}; "
                "run `composegan prepare` again"
            )
        index = PackedIndex(**{field.name: content[field.name] for field in fields(PackedIndex)})
    except (OSError, ValueError, KeyError) as error:
        raise damaged(folder, f"{INDEX} cannot be read: {first_line(error)}") from error
    numbers, texts = (index.height, index.width), (index.domain, index.vocabulary, index.split, index.source)
    lists = (index.names, index.classes, index.skipped)
    sensible = all(type(number) is int and number > 0 for number in numbers) and index.names
    if not sensible or not all(isinstance(text, str) for text in texts) or not all(map(_is_texts, lists)):
        raise damaged(folder, f"{INDEX} makes no sense")
    return index


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def write_index(folder: Path, index: PackedIndex) -> None:
    # In ASCII: the name of a file need not be Unicode.
    (folder / INDEX).write_text(json.dumps(asdict(index), indent=1), encoding="utf-8")


def damaged(folder: Path, what: str) -> UserError:
    return UserError(f"{folder}: is a damaged packed folder ({what}); delete it and run the same command again")
