"""Tuned weights as a small file: float16 differences of the tensors that tuning changed."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from composegan.errors import UserError, as_path
from composegan.io.atomic import atomic_file
from composegan.io.guarded import reading
from composegan.io.output import check_file
from composegan.io.tensor_file import read_safetensors_about
from composegan.networks.generator import Generator

FORMAT, ABOUT = 1, "composegan.delta"


@dataclass(frozen=True, eq=False)
class Delta:
    """What tuning changed. changes: by name, what to add to each changed tensor of the generator, float16; base:
    fingerprint of the generator it belongs to; path: the file it was read from, None for one in memory."""

    changes: Mapping[str, Tensor]
    base: str
    path: Path | None = None

    @classmethod
    def between(cls, before: Generator, after: Generator) -> Delta:
        """The difference of two generators. Each value is off by at most 1/2048 of itself, or 3e-8 where it is tiny."""
        old = before.state_dict()
        new = {name: tensor.to(old[name].device) for name, tensor in after.state_dict().items()}
        changes = {name: (new[name] - tensor).half().cpu() for name, tensor in old.items()}
        return cls({name: x for name, x in changes.items() if x.count_nonzero()}, fingerprint(before))

    @classmethod
    def between_two(cls, first: Delta | None, second: Delta | None, amount: float) -> Delta | None:
        """From `first` (amount 0) to `second` (1) in a straight line; None stands for no change."""
        if first is second or amount == 0:
            return first
        names = dict.fromkeys(name for delta in (first, second) if delta for name in delta.changes)
        if not (known := first or second):
            return None
        changes = {}
        for name in names:
            old, new = (None if delta is None else delta.changes.get(name) for delta in (first, second))
            parts = ((old, 1 - amount), (new, amount))
            changes[name] = sum(share * part.float() for part, share in parts if part is not None)
        return cls({name: torch.as_tensor(change).half() for name, change in changes.items()}, known.base)

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of all values."""
        return hash_of(self.changes)

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return sum(tensor.nbytes for tensor in self.changes.values())

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a safetensors file. overwrite: also replace a file that holds anything but tuned weights.

        Raises UserError for such a file otherwise, and if writing fails.
        """
        path = as_path("path", path)
        check_file(path, Delta.load, overwrite)
        about = json.dumps({"format": FORMAT, "base": self.base})  # one entry: safetensors does not keep their order
        content = to_bytes({name: x.contiguous() for name, x in self.changes.items()}, {ABOUT: about})
        with atomic_file(path) as temporary:
            temporary.write_bytes(content)
        return path

    @classmethod
    def load(cls, path: Path) -> Delta:
        """Read what `save` wrote. path: the file, or a folder with a delta.safetensors.

        Raises UserError if it is missing or damaged.
        """
        path = path / "delta.safetensors" if path.is_dir() else path
        if not path.exists():
            raise UserError(f"delta={path}: does not exist; `composegan invert` writes a delta.safetensors")
        with reading(f"delta={path}", "tuned weights"):
            changes, metadata = read_safetensors_about(path)
            about = json.loads(metadata.get(ABOUT, "{}"))
            if about.get("format") != FORMAT:
                raise ValueError(f"format {about.get('format')}, not {FORMAT}")
            return cls(changes, about["base"], path)


def apply_delta(generator: Generator, delta: Delta, own: str) -> Generator:
    """A tuned copy of the generator. own: its `fingerprint`.

    Raises UserError for a delta that is damaged, or of another generator.
    """
    where = f"delta={delta.path}" if delta.path else "delta"
    if delta.base != own:
        raise UserError(
            f"{where}: tuned from another model (weights {delta.base}, not {own}); use it with the model that was "
            "inverted with"
        )
    tuned = copy.deepcopy(generator)
    weights = tuned.state_dict()
    for name, change in delta.changes.items():
        fits = name in weights and weights[name].shape == change.shape and change.dtype == torch.float16
        if not fits or not change.isfinite().all():
            raise UserError(f"{where}: is damaged ({name} does not fit the model); invert the photo again")
        with torch.no_grad():
            weights[name] += change.to(weights[name])
    return tuned


def fingerprint(generator: Generator) -> str:
    """A short hash of all weights."""
    return hash_of(generator.state_dict())


def hash_of(tensors: Mapping[str, Tensor]) -> str:
    """A short hash of names and values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
