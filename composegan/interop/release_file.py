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
from typing import Any

import torch
from torch import Tensor

from composegan.errors import UserError, first_line
from composegan.interop.reference import Reference, convert
from composegan.io.guarded import UnreadableError, check_file, check_saved

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
    try:
        check_file(path)
        path.open("rb").close()
    except UnreadableError as error:
        raise UserError(f"{path}: is not a checkpoint of the release ({error})") from None
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        check_saved(path)  # torch does not verify the checksums
        with _only(Namespace), warnings.catch_warnings(action="ignore"):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file can raise anything
        raise UserError(f"{path}: {_reason(error)}") from error
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


def _reason(error: Exception) -> str:
    """torch's long message in one line."""
    message = str(error)
    if foreign := re.search(r"GLOBAL (\S+)", message):
        return (
            f"holds {foreign[1]!r}; only tensors, plain values and one argparse.Namespace are read from a checkpoint, "
            "as anything else could run code"
        )
    message = message.rpartition("WeightsUnpickler error: ")[2].strip()
    return f"is damaged or not a checkpoint of the release ({first_line(ValueError(message)) or type(error).__name__})"


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
            if not tensor.is_floating_point() or tensor.layout != torch.strided:
                return f"{name!r} of {key!r} does not hold plain floating-point numbers"
    return None
