"""Files of the public SemanticStyleGAN release, read without running anything that may lie in them.

Such a file is a pickle. PyTorch's restricted reader takes it apart; tensors, plain values and one `argparse.Namespace`
may come out of it, and the first name of anything else ends the reading before that is even looked up.
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
    """The models in a file of the release. Raises UserError, naming the file, as `read` and `convert` do."""
    checkpoint = read(path)
    try:
        return convert(checkpoint)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def read(path: Path) -> dict[str, Any]:
    """The checkpoint in a file of the release, on the CPU: `g_ema`, `g`, `d`, `args` and what else there is of it.

    Both of torch's file forms are read. Raises UserError, naming the file, when it is missing, truncated, no checkpoint
    of the release, or names a class or function besides `argparse.Namespace`.
    """
    try:
        check_file(path)
        path.open("rb").close()
    except UnreadableError as error:
        raise UserError(f"{path}: is no checkpoint of the release ({error})") from None
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        check_saved(path)  # torch does not look at the checksums
        with _nothing_but(Namespace), warnings.catch_warnings(action="ignore"):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # in a file that anybody may have written anything can go wrong
        raise UserError(f"{path}: {_reason(error)}") from error
    if wrong := _what_is_wrong(content):
        raise UserError(f"{path}: is no checkpoint of the release ({wrong})")
    return dict(content)


@contextmanager
def _nothing_but(allowed: type) -> Iterator[None]:
    """What other libraries of the process have declared safe to unpickle is not safe here."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals([allowed])
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def _reason(error: Exception) -> str:
    """What torch says at length, in one line."""
    said = str(error)
    if foreign := re.search(r"GLOBAL (\S+)", said):
        return (
            f"holds {foreign[1]!r}; only tensors, plain values and one argparse.Namespace are read from a checkpoint, "
            "as anything else could run code"
        )
    said = said.rpartition("WeightsUnpickler error: ")[2].strip()
    return f"is damaged or no checkpoint of the release ({first_line(ValueError(said)) or type(error).__name__})"


def _what_is_wrong(content: Any) -> str | None:
    """Why the content has not the form of a checkpoint; None when it has."""
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
                return f"{key!r} has {str(name)[:60]!r}, which is no tensor"
            if not tensor.is_floating_point() or tensor.layout != torch.strided:
                return f"{name!r} of {key!r} is not of plain numbers"
    return None
