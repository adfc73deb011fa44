"""Labelled images in litdata's shards, on a disk or in the cloud: `data.root=litdata://s3://bucket/shards`.

`write_shards` writes ADDRESS/train and ADDRESS/validation: PNG files, many in a shard. A shard is downloaded when one
of its images is first read, and kept in litdata's cache folder.
"""

from __future__ import annotations

import io
import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from composegan.data import Sample, check_sample
from composegan.plugin import DataSource, DomainSpec, Source, UserError

FORMAT = ["bytes", "bytes", "bytes"]
"""The formats of an item's image, labels and name; others are refused, as litdata would unpickle some."""


class Shards:
    """The images of a folder or URL of shards. Every process opens it for itself.

    Raises UserError if litdata is missing, or for shards that are missing or hold something else.
    """

    def __init__(self, folder: str, classes: int) -> None:
        self.folder, self.classes = folder, classes
        self._opened: tuple[int, Any] | None = None  # process, dataset
        index = read_index(self._dataset())
        self.count = sum(chunk["chunk_size"] for chunk in index["chunks"])

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(f"image {index} of {self.count}")
        where = f"{self.folder}: item {index}"
        try:
            item = self._dataset()[index]
            image, labels = decode(item["image"], "RGB"), decode(item["labels"], "L")
            name = bytes(item["name"]).decode()
        except Exception as error:  # of the disk, the network, litdata or Pillow
            raise UserError(f"{where} cannot be read ({type(error).__name__}: {error})") from error
        sample = Sample(np.ascontiguousarray(image.transpose(2, 0, 1)), labels, f"{where}, {name}")
        return check_sample(sample, self.classes)

    def _dataset(self) -> Any:
        if self._opened is None or self._opened[0] != os.getpid():  # a fork has its parent's, without its threads
            self._opened = os.getpid(), open_dataset(self.folder)
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}


def open_shards(address: str, spec: DomainSpec, split: str) -> Source:
    """The source of a split. address: a folder, or a URL of a kind that litdata knows."""
    if ":" not in address and not os.path.isabs(address):
        raise UserError(f"litdata://{address}: write the whole path, data.root=litdata://{os.path.abspath(address)}")
    return Shards(f"{address.rstrip('/')}/{split}", len(spec.classes))


def open_dataset(folder: str) -> Any:
    try:
        import litdata
    except ImportError as error:
        raise UserError(f"litdata://{folder}: litdata is needed; pip install litdata") from error
    try:
        dataset = litdata.StreamingDataset(folder, batch_decode=0)
        stored = read_index(dataset)["config"]["data_format"]
    except Exception as error:  # of the disk, the network or a damaged file
        raise UserError(f"litdata://{folder}: no shards can be read there ({type(error).__name__}: {error})") from error
    if stored != FORMAT:
        raise UserError(f"litdata://{folder}: its items are {stored}, not {FORMAT} as write_shards writes them")
    return dataset


def read_index(dataset: Any) -> dict[str, Any]:
    """The index that litdata wrote beside the shards."""
    return json.loads(Path(dataset.input_dir.path, "index.json").read_text(encoding="utf-8"))


def write_shards(images: Source, folder: str, shard: str = "64MB", workers: int = 1) -> None:
    """Write a source into a folder or URL whose last part is the split, such as shards/train.

    shard: the maximum size of one; workers: processes that write.
    """
    import litdata

    litdata.optimize(
        partial(encode, images), list(range(len(images))), output_dir=folder, chunk_bytes=shard, num_workers=workers,
        mode="overwrite", verbose=False,
    )  # fmt: skip


def encode(images: Source, index: int) -> dict[str, bytes]:
    """An item of a shard: image and labels as PNG files, the name as text."""
    sample, files = images[index], {}
    for name, pixels in (("image", sample.image.transpose(1, 2, 0)), ("labels", sample.labels)):
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG")
        files[name] = file.getvalue()
    return {**files, "name": sample.name.encode()}  # for a str that is a path, litdata would store the file


def decode(content: bytes, mode: str) -> np.ndarray:
    """A PNG file as uint8 (H, W, 3) of mode "RGB", or (H, W) of "L"."""
    with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
        return np.array(picture.convert(mode))


source = DataSource(open=open_shards, api=1)
