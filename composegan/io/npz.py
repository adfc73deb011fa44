"""Read npz files of unknown origin: nothing is unpickled, and no more memory is taken than the file's size implies."""

from __future__ import annotations

import math
import os
import zipfile

import numpy as np

from composegan.io.guarded import UnreadableError, check_archive


def read_npz(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of an npz file by name.

    Raises UnreadableError, and errors of numpy and zipfile, for a file that is special, damaged or too large unpacked.
    """
    check_archive(path)
    _check_sizes(path)
    with np.load(path, allow_pickle=False) as content:
        return dict(content)


def _check_sizes(path: str | os.PathLike[str]) -> None:
    """Check that no header claims more values than there are: numpy would allocate them all."""
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            with archive.open(part) as file:
                shape, _, kind = read[np.lib.format.read_magic(file)](file)
            if math.prod(shape) * kind.itemsize > part.file_size:
                raise UnreadableError(f"{part.filename} claims {math.prod(shape):,} values, more than it has")
