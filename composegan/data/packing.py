"""Write a source in the packed form, with several processes that each read and write their own part of the files."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np

from composegan.data.items import InARow, read_item
from composegan.data.label_errors import ENOUGH, LabelError, counted
from composegan.data.packed import FORMAT, IMAGES, LABELS, PackedIndex, PackedSource, write_index
from composegan.data.parallel import in_chunks
from composegan.data.resize import fit_sample
from composegan.errors import UserError
from composegan.io.atomic import atomic_folder
from composegan.plugin.domain import DomainSpec, Source
from composegan.runtime.progress import progress_bar
from composegan.runtime.surroundings import usable_cpus

CHUNK_ITEMS, CHUNK_BYTES = 100, 2**25  # limits of the chunk that a worker processes at a time
WORTH_A_PROCESS = 200  # items; starting a worker takes as long as drawing a few hundred


@dataclass(frozen=True)
class Job:
    """What a worker needs besides the source. offsets: of the pixels in each file, bytes."""

    folder: Path
    count: int
    classes: int
    height: int
    width: int
    on_error: str
    offsets: tuple[int, int]

    @property
    def chunk(self) -> int:
        """The number of items that a worker processes at a time."""
        return max(1, min(CHUNK_ITEMS, CHUNK_BYTES // (4 * self.height * self.width)))


@dataclass(frozen=True)
class Written:
    """The result of a chunk: the name of each item, and the reason for each that failed.

    hashes: of each item's pixels. wrong: errors about labels, which are counted over all items before the first one is
    raised.
    """

    start: int
    names: list[str]
    hashes: list[bytes]
    failures: dict[int, str]
    wrong: list[LabelError]


def pack(
    source: Source,
    folder: Path | str,
    spec: DomainSpec,
    height: int,
    width: int,
    *,
    workers: int | None = None,
    on_error: str = "stop",
    progress: str = "",
    split: str = "train",
    about: str = "",
    shared: bool = False,
) -> PackedSource:
    """Write every item of `source`, at (height, width), as a packed folder, and open it.

    workers: processes; None: one per CPU; 0 or 1: this process. Scripts that call this need the usual
        `if __name__ == "__main__":`. The result does not depend on it.
    on_error: "stop" raises the first bad item's UserError (label errors are counted first); "skip" leaves the item out
        and lists it in `index.skipped`.
    progress: title of a progress bar; "" shows none. split, about: recorded in the index.
    shared: whether the folder of another process, which finished first, will do as well, as in a cache.
    Raises UserError for a bad item, no usable item, too many consecutive bad items, a full disk, or a folder that
    cannot be written or that another process wrote meanwhile.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: already exists; delete it or choose another folder")
    if len(source) == 0:
        raise UserError(f"{folder}: there is nothing to pack; {about or 'the source'} is empty")
    with atomic_folder(folder) as unfinished:
        check_space(unfinished, folder, 4 * len(source) * height * width)
        offsets = (
            write_header(unfinished / IMAGES, (len(source), 3, height, width)),
            write_header(unfinished / LABELS, (len(source), height, width)),
        )
        job = Job(unfinished, len(source), len(spec.classes), height, width, on_error, offsets)
        names: list[str] = [""] * len(source)
        content = hashlib.sha256()
        failures: dict[int, str] = {}
        wrong: list[LabelError] = []
        row = InARow(len(source))
        with progress_bar(progress, len(source)) as advance:
            for written in run(source, job, usable_cpus() if workers is None else workers):
                wrong += written.wrong
                if len(wrong) >= ENOUGH:
                    raise counted(wrong, written.start + len(written.names))
                names[written.start : written.start + len(written.names)] = written.names
                content.update(b"".join(written.hashes))
                failures |= written.failures
                for place in range(written.start, written.start + len(written.names)):
                    row.note(place, written.failures.get(place))
                advance(len(written.names))
        if wrong:
            raise counted(wrong, len(source))
        if failures:
            names = [name for index, name in enumerate(names) if index not in failures]
            keep_rows(unfinished, sorted(set(range(len(source))) - failures.keys()))
        skipped = [failures[index] for index in sorted(failures)]
        vocabulary, classes = spec.vocabulary, list(spec.names)
        index = PackedIndex(
            FORMAT, spec.name, vocabulary, classes, height, width, split, about, names, skipped,
            id=uuid4().hex, content=content.hexdigest(),
        )  # fmt: skip
        write_index(unfinished, index)
    packed = PackedSource(folder)
    if packed.index.id != index.id and not shared:
        raise UserError(f"{folder}: another process has just written it; choose another folder")
    return packed


def check_space(folder: Path, target: Path, needed: int) -> None:
    """Raise UserError when the disk cannot take `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{target}: needs {needed / 1e9:.2f} GB and the disk has {free / 1e9:.2f} GB free; choose another folder"
        )


def write_header(path: Path, shape: tuple[int, ...]) -> int:
    """Create an array file of zeros, uint8; return the length of its header, bytes."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        length = file.tell()
        file.truncate(length + int(np.prod(shape)))
        return length


def run(source: Source, job: Job, workers: int) -> Iterator[Written]:
    """Process the chunks, here or in worker processes; results come back in order."""
    workers = min(workers, job.count // WORTH_A_PROCESS)
    work = partial(write_chunk, job)
    return in_chunks(work, source, range(0, job.count, job.chunk), workers, str(job.folder.parent))


def write_chunk(job: Job, source: Source, start: int) -> Written:
    """Read items start, start + 1, ... and write them to their places in the files.

    Plain writes instead of a memory map, so that a full disk is an error and not a crash.
    """
    count = min(job.chunk, job.count - start)
    images = np.zeros((count, 3, job.height, job.width), np.uint8)
    labels = np.zeros((count, job.height, job.width), np.uint8)
    names: list[str] = []
    hashes: list[bytes] = []
    failures: dict[int, str] = {}
    wrong: list[LabelError] = []
    for place in range(count):
        try:
            sample = fit_sample(read_item(source, start + place, job.classes), job.height, job.width)
        except UserError as error:
            names.append("")
            if job.on_error == "skip":
                failures[start + place] = str(error)
            elif isinstance(error, LabelError):
                wrong.append(error)
            else:
                raise
            continue
        images[place], labels[place] = sample.image, sample.labels
        names.append(sample.name)
        hashes.append(hashlib.sha256(images[place].tobytes() + labels[place].tobytes()).digest())
    for file, array, offset in zip((IMAGES, LABELS), (images, labels), job.offsets, strict=True):
        with (job.folder / file).open("r+b") as stream:
            stream.seek(offset + start * array[0].nbytes)
            stream.write(array.data)
    return Written(start, names, hashes, failures, wrong)


def keep_rows(folder: Path, rows: list[int]) -> None:
    """Rewrite both arrays with only these rows."""
    for file in (IMAGES, LABELS):
        array = np.load(folder / file, mmap_mode="r")
        shorter = folder / f"{file}.kept"
        write_header(shorter, (len(rows), *array.shape[1:]))
        with shorter.open("r+b") as stream:
            stream.seek(shorter.stat().st_size - len(rows) * array[0].nbytes)
            for row in rows:
                stream.write(np.ascontiguousarray(array[row]).data)
        del array
        shorter.replace(folder / file)
