"""Directions by name, their files (directions.safetensors: vectors; directions.json: the rest), and sliders."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from composegan.editing.directions.direction import Direction
from composegan.editing.target import Target
from composegan.errors import Suggests, UserError, as_path, nearest, shown
from composegan.io.atomic import atomic_file
from composegan.io.guarded import read_json, reading
from composegan.io.output import check_folder
from composegan.io.tensor_file import read_safetensors
from composegan.model.class_codes import PARTS
from composegan.model.saved_model import Model
from composegan.model.space import check_space

FORMAT = 1
VECTORS, FACTS = "directions.safetensors", "directions.json"


@dataclass(frozen=True, eq=False, repr=False)
class Directions(Suggests):
    """`directions["hair.texture.pca0"].apply(codes, 2.0)`. items: by name; space, classes: of their model."""

    items: Mapping[str, Direction]
    space: str
    classes: tuple[str, ...]

    @classmethod
    def of(cls, model: Model, directions: Iterable[Direction] = ()) -> Directions:
        """Directions of one model."""
        return cls({direction.name: direction for direction in directions}, model.space, model.classes)

    def __contains__(self, name: object) -> bool:
        """Whether there is a direction of this name."""
        return name in self.items

    def __getitem__(self, name: str) -> Direction:
        """Raises UserError offering the nearest name."""
        if not isinstance(name, str) or name not in self.items:
            raise UserError(f"there is no direction {shown(name)}; {nearest(name, self.items)}")
        return self.items[name]

    def __iter__(self) -> Iterator[Direction]:
        return iter(self.items.values())

    def __len__(self) -> int:
        return len(self.items)

    def __add__(self, more: Directions) -> Directions:
        """Both; a direction of `more` replaces one of the same name. Raises UserError for those of another model."""
        if not isinstance(more, Directions):
            raise UserError(f"directions + {shown(more)}: both must be directions")
        check_space("directions", more.classes, more.space, self)
        return Directions({**self.items, **more.items}, self.space, self.classes)

    def __repr__(self) -> str:
        return f"Directions({', '.join(self.items)})"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.items)

    def save(self, folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write both files to `folder`. overwrite: also write into a folder that holds anything but saved directions.

        Raises UserError for such a folder otherwise, and if writing fails.
        """
        folder = as_path("folder", folder)
        check_folder(folder, (VECTORS, FACTS), ("*.png",), overwrite)
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
    def load(cls, path: str | PathLike[str], model: Model) -> Directions:
        """Read what `save` wrote. path: the folder, or one of its two files.

        Raises UserError if it is missing or damaged, and for directions of other classes or another latent space.
        """
        folder, setting = as_path("directions", path), f"directions={path}"
        folder = folder if folder.is_dir() else folder.parent if folder.name in (VECTORS, FACTS) else folder
        if not (folder / FACTS).exists():
            raise UserError(f"{setting}: has no {FACTS}; `composegan directions` writes it")
        with reading(setting, "directions"):
            facts = read_json(folder / FACTS)
            if facts["format"] != FORMAT:
                raise ValueError(f"format {facts['format']}, not {FORMAT}")
            classes, space = tuple(map(str, facts["classes"])), str(facts["space"])
            check_space(setting, classes, space, model)
            vectors = read_safetensors(folder / VECTORS)
            items = facts["directions"].items()
            return cls.of(model, [_direction(name, item, vectors[name], model) for name, item in items])


def parse_sliders(text: str, directions: Directions) -> list[tuple[Direction, float]]:
    """`hair.texture.pca0:2,hair.area:-1.5` -> directions and amounts in standard deviations, in that order.

    Raises UserError for an unknown name (offering the nearest), an amount that is not a number, and empty text.
    """
    sliders = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, amount = (piece.strip() for piece in part.rpartition(":"))
        if not name:
            raise UserError(f"slide={text}: {part!r} has no amount; write it as in slide={part}:2")
        if name not in directions.items:
            raise UserError(f"slide={text}: there is no direction {name!r}; {nearest(name, directions.items)}")
        try:
            number = float(amount)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise UserError(f"slide={text}: {amount!r} is not a number; give standard deviations, as in {name}:2")
        sliders.append((directions[name], number))
    if not sliders:
        raise UserError(f"slide={text}: names no direction; {nearest('', directions.items)}")
    return sliders


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
    """The inverse of `_plain`. Raises anything for other content."""
    facts = dict(item)
    target = Target(tuple(map(str, facts.pop("classes"))), str(facts.pop("part")), bool(facts.pop("base")))
    if not set(target.classes) <= set(model.classes) or target.part not in (*PARTS, "both"):
        raise ValueError(f"{name}: no such class or part: {target.name(model.classes)}")
    method, sigma, slots = str(facts.pop("method")), float(facts.pop("sigma")), tuple(facts.pop("slots"))
    if slots != target.slots(model):
        raise ValueError(f"{name}: slots {slots} are not those of its classes")
    wanted = (len(slots), model.generator.latent_channels)
    if vectors.shape != wanted or not vectors.is_floating_point() or not vectors.isfinite().all():
        raise ValueError(f"{name}: vectors of shape {tuple(vectors.shape)}, {vectors.dtype}, or not finite")
    if not (math.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"{name}: sigma {sigma}")
    vectors = vectors.to(model.device, torch.float32)
    return Direction(name, method, target, slots, vectors, sigma, model.space, model.classes, facts)
