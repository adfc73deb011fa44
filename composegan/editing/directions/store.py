"""Directions by name, and their files: directions.safetensors (vectors) and directions.json (all the rest)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from composegan.editing.directions.direction import Direction, Target
from composegan.errors import UserError, nearest
from composegan.io.atomic import atomic_file
from composegan.io.guarded import TENSORS, check_file, read_json
from composegan.model.saved_model import Model

FORMAT = 1
VECTORS, FACTS = "directions.safetensors", "directions.json"


@dataclass(frozen=True)
class Directions:
    """`directions["hair.texture.pca0"].apply(codes, 2.0)`. items: by name; space, classes: of their model."""

    items: Mapping[str, Direction]
    space: str
    classes: tuple[str, ...]

    @classmethod
    def of(cls, model: Model, directions: Iterable[Direction] = ()) -> Directions:
        return cls({direction.name: direction for direction in directions}, model.space, model.classes)

    def __getitem__(self, name: str) -> Direction:
        """Raises UserError offering the nearest name."""
        if name not in self.items:
            raise UserError(f"there is no direction {name!r}; {nearest(name, self.items)}")
        return self.items[name]

    def __iter__(self) -> Iterator[Direction]:
        return iter(self.items.values())

    def __len__(self) -> int:
        return len(self.items)

    def __add__(self, more: Directions) -> Directions:
        """Both; of two with the same name the one that is added."""
        return Directions({**self.items, **more.items}, self.space, self.classes)

    def save(self, folder: Path | str) -> Path:
        """Write both files to `folder`. Raises UserError when they cannot be written."""
        folder = Path(folder)
        facts = {
            "format": FORMAT,
            "space": self.space,
            "classes": list(self.classes),
            "directions": {direction.name: _plain(direction) for direction in self},
        }
        vectors = {direction.name: direction.vectors.cpu().clone() for direction in self}
        for name, content in ((VECTORS, to_bytes(vectors)), (FACTS, json.dumps(facts, indent=2).encode() + b"\n")):
            with atomic_file(folder / name) as path:
                path.write_bytes(content)
        return folder

    @classmethod
    def load(cls, path: Path | str, model: Model) -> Directions:
        """What `save` wrote in the folder `path` (or beside the file `path`).

        Raises UserError when it is missing, damaged, or of another vocabulary or latent space.
        """
        folder = Path(path)
        folder = folder if folder.is_dir() else folder.parent if folder.name in (VECTORS, FACTS) else folder
        if not (folder / FACTS).exists():
            raise UserError(f"directions={path}: there is no {FACTS} there; `composegan directions` writes it")
        try:
            facts = read_json(folder / FACTS)
            if facts["format"] != FORMAT:
                raise ValueError(f"format {facts['format']}, not {FORMAT}")
            names, space = tuple(map(str, facts["classes"])), str(facts["space"])
        except Exception as error:  # in a damaged file anything can go wrong
            raise _damaged(path, error) from error
        if names != model.classes:
            differ = ", ".join(sorted(set(names) ^ set(model.classes))[:5]) or "another order"
            raise UserError(f"directions={path}: are of other classes than the model's (they differ in: {differ})")
        if space != model.space:
            raise UserError(
                f"directions={path}: are of another model (latent space {space}, this one's is {model.space}); "
                "find them with the model that is to use them"
            )
        try:
            check_file(folder / VECTORS, TENSORS)
            vectors = load_file(folder / VECTORS, device=str(model.device))
            found = [_direction(name, item, vectors[name], model) for name, item in facts["directions"].items()]
        except Exception as error:
            raise _damaged(path, error) from error
        return cls.of(model, found)


def _damaged(path: Path | str, error: Exception) -> UserError:
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
    return UserError(f"directions={path}: are damaged or something else ({reason})")


def _plain(direction: Direction) -> dict[str, Any]:
    target = direction.target
    return {
        "method": direction.method,
        "classes": list(target.classes),
        "part": target.part,
        "base": target.base,
        "slots": list(direction.slots),
        "sigma": direction.sigma,
        **direction.facts,
    }


def _direction(name: str, item: dict[str, Any], vectors: Tensor, model: Model) -> Direction:
    """Raises whatever comes of content that `_plain` did not write."""
    facts = dict(item)
    target = Target(tuple(map(str, facts.pop("classes"))), str(facts.pop("part")), bool(facts.pop("base")))
    method, sigma, slots = str(facts.pop("method")), float(facts.pop("sigma")), tuple(facts.pop("slots"))
    if slots != target.slots(model):
        raise ValueError(f"{name}: slots {slots} are not those of its classes")
    if (
        vectors.shape != (len(slots), model.generator.latent_channels)
        or not vectors.is_floating_point()
        or not vectors.isfinite().all()
    ):
        raise ValueError(f"{name}: vectors of shape {tuple(vectors.shape)}, {vectors.dtype}, or not finite")
    if not (math.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"{name}: sigma {sigma}")
    return Direction(name, method, target, slots, vectors.float(), sigma, model.space, model.classes, facts)
