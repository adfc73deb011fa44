"""The contract between the core and a domain: what classes there are, and how their images and labels are read.

A domain is a `DomainPlugin`, registered under the entry-point group `composegan.domains`.
Standard library only, so that a plug-in can be listed without loading torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from unicodedata import normalize

from composegan.errors import UserError, brief, nearest
from composegan.plugin.label_scheme import LabelScheme

API_VERSION = 1
"""The version of this contract. A plug-in made for another version is listed with an error."""


@dataclass(frozen=True)
class SemanticClass:
    """One class of the vocabulary: its own latent codes, its own layer of the picture, its own mask.

    color: (red, green, blue), each 0..255, used wherever masks are shown.
    category: the parent in the taxonomy, outermost first when nested (`"vehicle/two-wheeler"`), or "".
    transparent: composed over the others without displacing them (glass, thin frames).
    optional: may be absent from an image (glasses, hat).
    """

    name: str
    color: tuple[int, int, int]
    category: str = ""
    transparent: bool = False
    optional: bool = False


def name_problem(name: Any) -> str | None:
    """What is wrong with the name of a class; None if nothing is."""
    if not isinstance(name, str):
        return f"is {brief(name)}; text is needed"
    if not name.strip():
        return "is empty"
    if not name.isprintable() or len(name) > 100:
        return f"is {name[:40]!r}; up to 100 characters that can be printed are needed"
    return None


@dataclass(frozen=True)
class Recipe:
    """A named set of overrides of the configuration; `about` states its purpose, hardware and cost."""

    name: str
    about: str
    overrides: Mapping[str, Any]


@dataclass(frozen=True)
class DomainSpec:
    """A domain as data: its classes (index = label value), recipes and foreign label names.

    foreign: per source, whatever its reader needs to map its labels to these classes; credits: artists and licences of
    the demo; mirror: pairs of classes to swap when an image is mirrored, such as a left and a right door; scheme: how a
    folder of labelled images is laid out, and what its label values mean.
    Raises UserError for a vocabulary that is empty, too large or ambiguous.
    """

    name: str
    classes: tuple[SemanticClass, ...]
    title: str = ""
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    default_recipe: str = "quick"
    foreign: Mapping[str, Any] = field(default_factory=dict)
    credits: tuple[str, ...] = ()
    mirror: tuple[tuple[str, str], ...] = ()
    scheme: LabelScheme = field(default_factory=LabelScheme)

    def __post_init__(self) -> None:
        where = f"domain {self.name!r}"
        if not 1 <= len(self.classes) <= 255:
            raise UserError(f"{where}: {len(self.classes)} classes; a vocabulary has 1 to 255")
        names = tuple(normalize("NFC", name) for name in self.names)  # é in one or two characters is one name
        for what, values in (("name", names), ("color", self.colors)):
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise UserError(f"{where}: class {what} {twice[0]} is used more than once; change all but one")
        sided = [self.index(name) for pair in self.mirror for name in pair]
        for label in sided:
            if sided.count(label) > 1:
                name = self.names[label]
                raise UserError(f"{where}: mirror names class {name!r} more than once; a class changes places with one")
        for number, item in enumerate(self.classes):
            if problem := name_problem(item.name):
                raise UserError(f"{where}: the name of class {number} {problem}")
            if not all(type(part) is int and 0 <= part <= 255 for part in item.color) or len(item.color) != 3:
                raise UserError(f"{where}: class {item.name!r} has color {item.color}; three numbers 0..255 are needed")
        for name, recipe in self.recipes.items():
            if not isinstance(recipe, Recipe) or not isinstance(recipe.overrides, Mapping):
                raise UserError(f"{where}: recipe {name!r} is not a composegan.plugin.Recipe with a mapping of values")

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in label order."""
        return tuple(item.name for item in self.classes)

    @property
    def colors(self) -> tuple[tuple[int, int, int], ...]:
        """Class colors in label order, each (red, green, blue), 0..255."""
        return tuple(item.color for item in self.classes)

    @property
    def transparent(self) -> tuple[int, ...]:
        """Indices of the transparent classes."""
        return tuple(index for index, item in enumerate(self.classes) if item.transparent)

    @property
    def mirrored(self) -> tuple[int, ...]:
        """The label value that each one becomes in a mirrored image."""
        pairs = [(self.index(first), self.index(second)) for first, second in self.mirror]
        other = dict(pairs) | {second: first for first, second in pairs}
        return tuple(other.get(label, label) for label in range(len(self.classes)))

    @property
    def vocabulary(self) -> str:
        """A short fingerprint of the class names in order: two models with the same one can exchange codes."""
        return hashlib.sha256("\n".join(self.names).encode()).hexdigest()[:12]

    def index(self, name: str) -> int:
        """The label value of a class. Raises UserError offering the nearest name."""
        names = {normalize("NFC", known): index for index, known in enumerate(self.names)}
        if (index := names.get(normalize("NFC", name))) is None:
            raise UserError(f"domain {self.name!r} has no class {name!r}; {nearest(name, self.names)}")
        return index


class Source(Protocol):
    """Labelled images by position. `source[i]` is a `composegan.data.Sample`. Must pickle into workers.

    A source may also have these methods, both of which `composegan.data` helps with:
    fingerprint() -> str | None: a text that changes when any image or label may have changed, for the cache; statistics
        of a source without one are not cached.
    warnings() -> list[str]: what its files may not mean as intended, for `check` and the start of `fit`.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...


@dataclass(frozen=True)
class DomainPlugin:
    """A domain's contract, registered under the entry-point group `composegan.domains`.

    dataset: (root, split) -> Source, for the data as downloaded; split is "train" or "validation". None: the plain
        layout `root/images` + `root/labels`.
    demo: (count, height, width, seed) -> Source that draws its samples, so that the domain runs without a download;
        None: `data.root` is required.
    demos: further demos of the same form, by name (`data.demo=NAME`).
    """

    spec: DomainSpec
    dataset: Callable[[Path, str], Source] | None = None
    demo: Callable[[int, int, int, int], Source] | None = None
    demos: Mapping[str, Callable[[int, int, int, int], Source]] = field(default_factory=dict)
    api: int = API_VERSION


__all__: Sequence[str] = ["API_VERSION", "DomainPlugin", "DomainSpec", "Recipe", "SemanticClass", "Source"]
