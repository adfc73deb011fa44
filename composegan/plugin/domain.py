"""The contract between the core and a domain: what classes there are, and how their images and labels are read.

A domain is a `DomainPlugin`, registered under the entry-point group `composegan.domains`.
This module uses the standard library only, so that a plugin can be listed without loading torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from composegan.errors import UserError, nearest

API_VERSION = 1
"""The version of this contract. A plugin made for another version is listed with its reason, not used."""


@dataclass(frozen=True)
class SemanticClass:
    """One class of the vocabulary: its own latent codes, its own layer of the picture, its own mask.

    color: (red, green, blue), each 0..255, used wherever masks are shown.
    category: the taxonomy level above, outermost first when nested (`"vehicle/two-wheeler"`), or "".
    transparent: composed over the others without displacing them (glass, thin frames).
    optional: may be absent from an image (glasses, hat).
    """

    name: str
    color: tuple[int, int, int]
    category: str = ""
    transparent: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Recipe:
    """A named set of overrides of the configuration; `about` says for what, on what hardware, at what cost."""

    name: str
    about: str
    overrides: Mapping[str, Any]


@dataclass(frozen=True)
class DomainSpec:
    """What a domain is, as data: its vocabulary (index = label value), recipes and foreign label names.

    foreign: per source, whatever that source's reader needs to map its labels to these classes.
    credits: artists and licences of what the demo draws.
    mirror: pairs of classes that change places when a picture is mirrored, such as a left and a right door.
    """

    name: str
    classes: tuple[SemanticClass, ...]
    title: str = ""
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    default_recipe: str = "quick"
    foreign: Mapping[str, Any] = field(default_factory=dict)
    credits: tuple[str, ...] = ()
    mirror: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        where = f"domain {self.name!r}"
        if not 1 <= len(self.classes) <= 255:
            raise UserError(f"{where}: {len(self.classes)} classes; a vocabulary has 1 to 255")
        for what, values in (("name", self.names), ("color", self.colors)):
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise UserError(f"{where}: class {what} {twice[0]} is used more than once; change all but one")
        sided = [name for pair in self.mirror for name in pair]
        for name in sided:
            self.index(name)
            if sided.count(name) > 1:
                raise UserError(f"{where}: mirror names class {name!r} more than once; a class changes places with one")
        for item in self.classes:
            if not all(isinstance(part, int) and 0 <= part <= 255 for part in item.color) or len(item.color) != 3:
                raise UserError(f"{where}: class {item.name!r} has color {item.color}; three numbers 0..255 are needed")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.classes)

    @property
    def colors(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(item.color for item in self.classes)

    @property
    def transparent(self) -> tuple[int, ...]:
        """Indices of the transparent classes."""
        return tuple(index for index, item in enumerate(self.classes) if item.transparent)

    @property
    def mirrored(self) -> tuple[int, ...]:
        """What each label value becomes in a mirrored picture."""
        other = dict(self.mirror) | {second: first for first, second in self.mirror}
        return tuple(self.index(other.get(name, name)) for name in self.names)

    @property
    def vocabulary(self) -> str:
        """A short fingerprint of the class names in order: two models with the same one can exchange codes."""
        return hashlib.sha256("\n".join(self.names).encode()).hexdigest()[:12]

    def index(self, name: str) -> int:
        """The label value of a class. Raises UserError offering the nearest name."""
        if name not in self.names:
            raise UserError(f"domain {self.name!r} has no class {name!r}; {nearest(name, self.names)}")
        return self.names.index(name)


class Source(Protocol):
    """Labelled images by position. `source[i]` is a `composegan.data.Sample`. Must pickle into workers."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...


@dataclass(frozen=True)
class DomainPlugin:
    """What an entry point of the group `composegan.domains` points to.

    dataset: (root, split) -> Source, for the domain's data as people download it; split is "train" or "validation".
        None: the plain layout `root/images` + `root/labels`.
    demo: (count, height, width, seed) -> Source that draws its samples on the spot, so that the domain runs
        with no download; None: `data.root` is required.
    demos: further ones of the same form, by name (`data.demo=NAME`).
    """

    spec: DomainSpec
    dataset: Callable[[Path, str], Source] | None = None
    demo: Callable[[int, int, int, int], Source] | None = None
    demos: Mapping[str, Callable[[int, int, int, int], Source]] = field(default_factory=dict)
    api: int = API_VERSION


__all__: Sequence[str] = ["API_VERSION", "DomainPlugin", "DomainSpec", "Recipe", "SemanticClass", "Source"]
