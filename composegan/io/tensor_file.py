"""Read files of tensors of unknown origin: what `torch.save` or safetensors wrote. No code in them is ever run.

The one place that reads such files, but for those that come with installed packages.
"""

from __future__ import annotations

import os
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from composegan.io.guarded import TENSORS, UnreadableError, check_file, unpacked_limit
from composegan.io.pickles import NAMESPACE, check_saved


def read_saved(path: Path, *, namespace: bool = False) -> Any:
    """What `torch.save` wrote, on the CPU: dense tensors in plain dicts, lists and tuples, and plain values.

    namespace: whether an `argparse.Namespace` may occur, which becomes a dict. Raises UnreadableError for a file that
    is special, holds anything else, or claims far more numbers than it has; other errors for a damaged one.
    """
    check_saved(path, NAMESPACE if namespace else ())
    with _name_of(path) as name, torch.serialization.safe_globals([Namespace] * namespace):
        content = _loaded(name)
    sizes: list[int] = []
    try:
        content = _plain(content, sizes)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    if (claimed := sum(sizes)) > (limit := unpacked_limit(path)):  # a view of one number can have any shape
        raise UnreadableError(f"its tensors claim {claimed / 1e6:,.0f} MB, more than {limit / 1e6:,.0f} MB")
    return content


def _loaded(name: str) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # about content that is refused later
            return torch.load(name, map_location="cpu", weights_only=True)
    except (UnpicklingError, OSError) as error:  # OSError: a seek beyond the end of a truncated file
        reason = str(error).rpartition("WeightsUnpickler error: ")[2].strip()  # after advice to run the file's code
        raise ValueError(reason or "it ends early") from error


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU. Raises UnreadableError, OSError and SafetensorError."""
    return read_safetensors_about(path)[0]


def read_safetensors_about(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """As `read_safetensors`, and the metadata."""
    check_file(path, TENSORS)
    with _name_of(path) as name, safe_open(name, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118


def read_weights(path: Path) -> Any:
    """`read_safetensors` for a file with that extension, else `read_saved`."""
    return read_safetensors(path) if path.suffix == ".safetensors" else read_saved(path)


@contextmanager
def _name_of(path: Path) -> Iterator[str]:
    """A name of the file for libraries that take only Unicode ones."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with path.open("rb") as file:
            yield f"/dev/fd/{file.fileno()}"
    else:
        yield os.fspath(path)


def _plain(value: Any, sizes: list[int]) -> Any:
    """A copy in plain containers. sizes: gets the bytes of every tensor in it, shared ones once for each place."""
    if isinstance(value, Tensor):
        sizes.append(value.numel() * value.element_size())
        return value.detach()
    if isinstance(value, Namespace):
        value = vars(value)
    if isinstance(value, dict):
        return {key: _plain(item, sizes) for key, item in dict.items(value)}
    if isinstance(value, (list, tuple)):
        return type(value)([_plain(item, sizes) for item in value])
    return value
