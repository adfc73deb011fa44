"""Labelled images by the data source of an installed package: `data.root=NAME://ADDRESS`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from composegan.data.sample import Sample
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.contracts import SOURCE
from composegan.plugin.domain import DomainSpec, Source
from composegan.plugin.registry import Found


@dataclass(frozen=True)
class InstalledSource:
    """A source whose faults are told as its distribution's, in whatever process they come up."""

    found: Found
    images: Source

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        with self.found.answering():
            sample = self.images[index]
            if not isinstance(sample, Sample):
                raise TypeError(f"item {index} is a {type(sample).__name__}; a composegan.data.Sample is needed")
            return sample


def open_installed(name: str, address: str, spec: DomainSpec, split: str) -> InstalledSource:
    """What the data source `name` gives for an address. Raises UserError when it cannot be used, fails, or is empty."""
    found = registry.require(name, SOURCE)
    with found.answering() as source:
        images = source.open(address, spec, split)
        if len(images) == 0:
            raise UserError(f"data.root={name}://{address}: has no images")
    return InstalledSource(replace(found, plugin=None), images)  # what opened it need not pickle into workers
