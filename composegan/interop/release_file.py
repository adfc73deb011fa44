"""Read files of the public SemanticStyleGAN release without running any code they may hold.

Such a file is a pickle. PyTorch's restricted unpickler reads it. Only tensors, plain values and one
`argparse.Namespace` are allowed; reading stops at the first other name, before that name is looked up.
"""

from __future__ import annotations

import re
import warnings
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from composegan.errors import UserError
from composegan.interop.reference import Reference, convert
from composegan.io.guarded import check_saved, reading

NETWORKS = ("g_ema", "g", "d")


def read_reference(path: Path) -> Reference:
    """The networks in a file of the release. Raises UserError that names the file, as `read` and `convert` do."""
    checkpoint = read(path)
    try:
        return convert(checkpoint)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def read(path: Path) -> dict[str, Any]:
    """The checkpoint in a file of the release, on the CPU: `g_ema`, `g`, `d`, `args` and whatever else it has.

    Reads both of torch's file formats. Raises UserError that names the file when it is missing, truncated, not a
    checkpoint of the release, or names a class or function other than `argparse.Namespace`.
    """
    with reading(path, "a checkpoint of the release"):
        check_saved(path)  # torch does not verify the checksums
        with _only(Namespace), warnings.catch_warnings(action="ignore"):
            content = _load(path)
    if wrong := _problem(content):
        raise UserError(f"{path}: is not a checkpoint of the release ({wrong})")
    return dict(content)


@contextmanager
def _only(allowed: type) -> Iterator[None]:
    """Within the block, unpickle no class but `allowed`, whatever other libraries have declared safe."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals([allowed])
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def _load(path: Path) -> Any:
    """Unpickle the file; torch's long messages become one line."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, OSError) as error:  # OSError: a seek beyond the end of a truncated file
        if foreign := re.search(r"GLOBAL (\S+)", str(error)):
            allowed = "only tensors, plain values and one argparse.Namespace are read from a checkpoint"
            raise UserError(f"{path}: holds {foreign[1]!r}; {allowed}, as anything else could run code") from error
        raise ValueError(str(error).rpartition("WeightsUnpickler error: ")[2].strip()) from error


def _problem(content: Any) -> str | None:
    """Why the content is not shaped like a checkpoint; None when it is."""
    if not isinstance(content, Mapping):
        return f"it is a {type(content).__name__}"
    if not isinstance(content.get("args"), (Namespace, Mapping, type(None))):
        return f"'args' is a {type(content['args']).__name__}"
    for key in NETWORKS:
        state = content.get(key)
        if not isinstance(state, (Mapping, type(None))):
            return f"{key!r} is a {type(state).__name__}"
        for name, tensor in (state or {}).items():
            if not isinstance(name, str) or not isinstance(tensor, Tensor):
                return f"{key!r} has {str(name)[:60]!r}, which is not a tensor"
            if not tensor.is_floating_point() or tensor.layout != torch.strided or tensor.is_nested:
                return f"{name!r} of {key!r} does not hold plain floating-point numbers"
    return None
