"""The domain under check, and the labelled images that it opens or draws."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from composegan.config.compose import is_path, open_domain
from composegan.config.schema import DataConfig
from composegan.data import Sample, check_sample
from composegan.data.open import demo_seed, open_root
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.domain import DomainPlugin, DomainSpec, Source
from composegan.plugin.listing import listing
from composegan.plugin.registry import Found

Opener = Callable[[DataConfig], Source]


MOST = 100
"""Images of data.root that are read, spread evenly over it."""


@dataclass(frozen=True)
class Seen:
    """What is kept of an image: its index in the source, shape (H, W), label values, and fingerprint."""

    index: int
    shape: tuple[int, ...]
    labels: frozenset[int]
    digest: str


@dataclass(frozen=True)
class Reading:
    """What reading a source found. size: its images; seen: the good ones; errors: of the others, by index."""

    size: int
    seen: Sequence[Seen]
    errors: Mapping[int, Exception]

    @property
    def count(self) -> int:
        """How many images were read."""
        return len(self.seen) + len(self.errors)

    def combined_error(self) -> Exception:
        """The first error, which names the other files at fault too."""
        first, *more = self.errors.values()
        if not isinstance(first, UserError) or not more:
            return first
        names = [str(error).partition(": ")[0].rpartition("/")[2] for error in more if isinstance(error, UserError)]
        others = ", ".join(names[:4]) + ", ..." * (len(more) > 4)
        return UserError(f"{first}; {len(more)} more of {self.count} read cannot be used: {others}")


def small_data() -> DataConfig:
    """Enough to check a domain: 16 images, drawn at 64 x 64."""
    return DataConfig(height=64, width=64, demo_count=16)


@dataclass(frozen=True)
class Subject:
    """A domain under check.

    domain: its name or file, as given. found: what the registry says of it; an error replaces the plug-in where it
    cannot be loaded. data: how many images to draw, their size, and a folder of images (`data.root`), if any.
    """

    domain: str
    found: Found
    data: DataConfig = field(default_factory=small_data)
    plugin_path: str | None = None

    @property
    def plugin(self) -> DomainPlugin:
        """Raises UserError where it could not be loaded."""
        if self.found.plugin is None:
            raise UserError(f"domain {self.domain!r} cannot be used: {self.found.error}")
        return self.found.plugin

    @property
    def spec(self) -> DomainSpec:
        """The domain's classes."""
        return self.plugin.spec

    @property
    def home(self) -> str:
        """Where the classes are defined, for remedies."""
        return self.domain if is_path(self.domain) else f"the YAML of {self.found.distribution}"

    @cached_property
    def openers(self) -> Mapping[str, Opener]:
        """The functions that open or draw labelled images, by name."""
        openers: dict[str, Opener] = {}
        if self.data.root:
            openers["data.root"] = lambda data: open_root(self.plugin, data)
        demos = {"demo": self.plugin.demo} if self.plugin.demo else {}
        for name, draw in {**demos, **{f"demo {name}": draw for name, draw in self.plugin.demos.items()}}.items():

            def draw_demo(data: DataConfig, draw: Callable[[int, int, int, int], Source] = draw) -> Source:
                return draw(data.demo_count, data.height, data.width, demo_seed(data))

            openers[name] = draw_demo
        return openers

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Each source, opened once."""
        return {name: opener(self.data) for name, opener in self.openers.items()}

    @cached_property
    def readings(self) -> dict[str, Reading]:
        """What reading each source found, of at most MOST images, or data.demo_count if that is more."""
        most = max(self.data.demo_count, MOST)
        return {name: read(name, source, len(self.spec.classes), most) for name, source in self.sources.items()}

    @cached_property
    def error(self) -> Exception | None:
        """What opening, reading or checking the images raises; None when all are good."""
        try:
            for name, reading in self.readings.items():
                if not reading.count:
                    raise UserError(f"{name}: has no images; give it at least one")
                if reading.errors:
                    raise reading.combined_error()
        except Exception as error:  # a plug-in's code may raise anything
            return error
        return None

    def reopen(self, name: str, **changes: Any) -> Source:
        """Open a source again, with changed settings of `data`."""
        return self.openers[name](replace(self.data, **changes))


def read(name: str, source: Source, classes: int, most: int) -> Reading:
    """Read and check at most `most` images of a source, spread evenly over it."""
    size = len(source)
    seen: list[Seen] = []
    errors: dict[int, Exception] = {}
    for index in sorted({size * step // most for step in range(most)} if size > most else range(size)):
        try:
            sample = _check(name, source[index], classes)
        except Exception as error:  # a plug-in's code may raise anything
            errors[index] = error
        else:
            labels = frozenset(np.unique(sample.labels).tolist())
            seen.append(Seen(index, sample.labels.shape, labels, digest(sample)))
    return Reading(size, seen, errors)


def digest(sample: Sample) -> str:
    """A fingerprint of image and labels."""
    return hashlib.sha256(sample.image.tobytes() + sample.labels.tobytes()).hexdigest()


def _check(name: str, sample: Any, classes: int) -> Sample:
    if not isinstance(sample, Sample) or not isinstance(sample.image, np.ndarray):
        kind = type(sample).__name__
        raise UserError(f"{name}: gives a {kind}; a composegan.data.Sample of NumPy arrays is needed")
    return check_sample(sample, classes)


def open_subject(domain: str, data: DataConfig | None = None, plugin_path: str | None = None) -> Subject:
    """A domain by its registered name or YAML file. data: see `Subject`; None: 16 images of the demo at 64 x 64.

    Raises UserError for an unknown name, with the nearest one, and for a plugin_path that does not exist.
    """
    if not domain:
        open_domain(domain)  # raises, listing the domains
    data = data or small_data()
    if is_path(domain):
        try:
            found = Found(Path(domain).stem, domain, "", open_domain(domain))
        except UserError as error:
            found = Found(Path(domain).stem, domain, "", error=str(error))
    else:
        if plugin_path:
            registry.add_plugin_path(Path(plugin_path).expanduser())
        rows = listing(name=domain)  # imports it in a child process, where it may hang or exit
        found = rows[0] if rows and all(row.error for row in rows) else registry.find(domain)
    return Subject(domain, found, data, plugin_path)
