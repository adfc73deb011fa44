"""What tuning changed in a generator, as a small file: the differences of the changed tensors, in float16."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.guarded import TENSORS, check_file
from composegan.model.saved_model import Model
from composegan.networks.generator import Generator

FORMAT, ABOUT = 1, "composegan.delta"


@dataclass(frozen=True)
class Delta:
    """changes: for each changed tensor of the generator, by name, what is to be added to it, float16; base: the
    fingerprint of the generator that it is for."""

    changes: Mapping[str, Tensor]
    base: str

    @classmethod
    def between(cls, before: Generator, after: Generator) -> Delta:
        """What was changed. Each number is off by at most 1/2048 of itself, or 3e-8 where it is tiny."""
        old = before.state_dict()
        new = {name: tensor.to(old[name].device) for name, tensor in after.state_dict().items()}
        changes = {name: (new[name] - tensor).half().cpu() for name, tensor in old.items()}
        return cls({name: x for name, x in changes.items() if x.count_nonzero()}, fingerprint(before))

    @property
    def size(self) -> int:
        """Bytes of the numbers."""
        return sum(tensor.nbytes for tensor in self.changes.values())

    def applied_to(self, generator: Generator) -> Generator:
        """A changed copy. It is for whoever knows that it is the right generator: see `Model.with_delta`."""
        generator = copy.deepcopy(generator)
        weights = generator.state_dict()
        with torch.no_grad():
            for name, change in self.changes.items():
                weights[name] += change.to(weights[name])
        return generator

    def save(self, path: str | PathLike[str]) -> Path:
        """Write a safetensors file. Raises UserError when it cannot be written."""
        path = Path(path)
        about = json.dumps(
            {"format": FORMAT, "base": self.base}
        )  # of several entries the order would be left to chance
        content = to_bytes({name: x.contiguous() for name, x in self.changes.items()}, {ABOUT: about})
        with atomic_file(path) as temporary:
            temporary.write_bytes(content)
        return path

    @classmethod
    def load(cls, path: Path) -> Delta:
        """What `save` wrote; `path`: the file, or a folder with a delta.safetensors. Raises UserError otherwise."""
        path = path / "delta.safetensors" if path.is_dir() else path
        if not path.exists():
            raise UserError(f"delta={path}: there is no such file; `composegan invert` writes a delta.safetensors")
        try:
            check_file(path, TENSORS)
            with safe_open(path, "pt") as file:
                about = json.loads((file.metadata() or {}).get(ABOUT, "{}"))
                if about.get("format") != FORMAT:
                    raise ValueError(f"format {about.get('format')}, not {FORMAT}")
                return cls({name: file.get_tensor(name) for name in file.keys()}, about["base"])  # noqa: SIM118
        except Exception as error:  # in a damaged file anything can go wrong
            reason = " ".join(str(error).split())[:150]
            raise UserError(f"delta={path}: is damaged or not tuned weights ({reason})") from error


def with_delta(model: Model, delta: Delta | str | PathLike[str]) -> Model:
    """The model with tuned weights: those of `tune`, or of a file that `invert` wrote; its latent space is the same.

    Raises UserError for a file that is missing, damaged, or of another model's weights.
    """
    where = "delta" if isinstance(delta, Delta) else f"delta={delta}"
    delta = delta if isinstance(delta, Delta) else Delta.load(Path(delta).expanduser())
    mine = fingerprint(model.generator)
    if delta.base != mine:
        raise UserError(
            f"{where}: is of another model (weights {delta.base}, this one's are {mine}); "
            "use it with the model that invert was given"
        )
    own = model.generator.state_dict()
    for name, change in delta.changes.items():
        if (
            name not in own
            or own[name].shape != change.shape
            or change.dtype != torch.float16
            or not change.isfinite().all()
        ):
            raise UserError(f"{where}: is damaged ({name} does not fit the model)")
    return replace(model, generator=delta.applied_to(model.generator))


def fingerprint(generator: Generator) -> str:
    """A short hash of all weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(generator.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
