"""What is checked: a domain, and the labelled images that it opens or draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from composegan.config.compose import is_path, open_domain
from composegan.config.schema import DataConfig
from composegan.data import Sample, check_sample
from composegan.data.open import demo_seed, open_root
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.domain import DomainPlugin, DomainSpec, Source
from composegan.plugin.registry import Found


def small_data() -> DataConfig:
    """Settings that are enough to check a domain: 16 images, of 64x64 where they are drawn."""
    return DataConfig(height=64, width=64, demo_count=16)


@dataclass(frozen=True)
class Subject:
    """A domain under check.

    domain: its name or file, as given. found: its row, which has a reason instead of a plugin where it cannot be used.
    data: how many images of what size are looked at, and of which folder (`data.root`), if any.
    """

    domain: str
    found: Found
    data: DataConfig = field(default_factory=small_data)
    plugin_path: str | None = None

    @property
    def plugin(self) -> DomainPlugin:
        """Raises UserError where the domain has none."""
        if self.found.plugin is None:
            raise UserError(f"domain {self.domain!r} cannot be used: {self.found.error}")
        return self.found.plugin

    @property
    def spec(self) -> DomainSpec:
        return self.plugin.spec

    @property
    def home(self) -> str:
        """Where the classes are written down, for remedies."""
        return self.domain if is_path(self.domain) else f"the YAML of {self.found.distribution}"

    @cached_property
    def openers(self) -> Mapping[str, Callable[[DataConfig], Source]]:
        """What gives labelled images, by name: (settings) -> Source. Only the seed and the size of drawings change."""
        openers: dict[str, Callable[[DataConfig], Source]] = {}
        if self.data.root:
            openers["data.root"] = lambda data: open_root(self.plugin, data, str(data.root))
        demos = {"demo": self.plugin.demo} if self.plugin.demo else {}
        for name, draw in {**demos, **{f"demo {name}": draw for name, draw in self.plugin.demos.items()}}.items():
            openers[name] = lambda data, draw=draw: draw(data.demo_count, data.height, data.width, demo_seed(data))
        return openers

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Each source, opened once."""
        return {name: opener(self.data) for name, opener in self.openers.items()}

    @cached_property
    def samples(self) -> dict[str, list[Sample]]:
        """The first images of each source, read once, as they came."""
        count = self.data.demo_count
        return {name: [source[i] for i in range(min(count, len(source)))] for name, source in self.sources.items()}

    @cached_property
    def trouble(self) -> Exception | None:
        """What opening or reading the images raises, or a bad one among them; None where all can be looked at."""
        try:
            for name, samples in self.samples.items():
                if not samples:
                    raise UserError(f"{name}: has no images; give it at least one")
                for sample in samples:
                    if not isinstance(sample, Sample) or not isinstance(sample.image, np.ndarray):
                        kind = type(sample).__name__
                        raise UserError(f"{name}: gives a {kind}; a composegan.data.Sample of NumPy arrays is needed")
                    check_sample(sample, len(self.spec.classes))
        except Exception as error:  # whatever a plugin's code raises
            return error
        return None

    def again(self, name: str, **changes: int) -> Source:
        """A source opened anew, with other settings of `data` where they are given."""
        return self.openers[name](replace(self.data, **changes))


def open_subject(domain: str, data: DataConfig | None = None, plugin_path: str | None = None) -> Subject:
    """A domain by its registered name, or its YAML file. data: see `Subject`; None: 16 images of the demo at 64x64.

    Raises UserError for a name that nobody registers, offering the nearest, and for a folder that is not there.
    """
    if not domain:
        open_domain(domain)  # says which there are
    data = data or small_data()
    if is_path(domain):
        try:
            found = Found(Path(domain).stem, domain, "", open_domain(domain))
        except UserError as error:
            found = Found(Path(domain).stem, domain, "", error=str(error))
    else:
        if plugin_path:
            registry.add_plugin_path(Path(plugin_path).expanduser())
        found = registry.find(domain)
    return Subject(domain, found, data, plugin_path)
