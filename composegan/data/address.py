"""Labelled images from a data source: `data.root=NAME://ADDRESS`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from composegan.config.extensions import extension
from composegan.config.schema import DataConfig
from composegan.data.fingerprints import fingerprint
from composegan.data.sample import Sample
from composegan.data.warnings import source_warnings
from composegan.errors import UserError
from composegan.plugin.contracts import source_address
from composegan.plugin.domain import DomainSpec, Source
from composegan.plugin.registry import Found


@dataclass(frozen=True)
class ExtensionSource:
    """A source whose errors name the distribution it comes from, in worker processes as well."""

    found: Found
    images: Source

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        with self.found.use():
            sample = self.images[index]
            if not isinstance(sample, Sample):
                raise TypeError(f"item {index} is a {type(sample).__name__}; a composegan.data.Sample is needed")
            return sample

    def fingerprint(self) -> str | None:
        """That of the source, see `composegan.data.fingerprints`."""
        with self.found.use():
            return fingerprint(self.images)

    def warnings(self) -> list[str]:
        """What the source warns about, see `composegan.data.warnings`."""
        with self.found.use():
            return source_warnings(self.images)


def open_address(data: DataConfig, spec: DomainSpec) -> ExtensionSource:
    """The images at `data.root`, a NAME://ADDRESS, of the split `data.split`.

    Raises UserError if the data source cannot be used, fails, or has no images.
    """
    found, address = extension(data, "root"), source_address(data.root)
    assert address, f"{data.root} is not NAME://ADDRESS"
    with found.use() as source:
        images = source.open(address[1], spec, data.split)
        if len(images) == 0:
            raise UserError(f"data.root={data.root}: has no images")
    return ExtensionSource(replace(found, plugin=None), images)  # the plug-in itself need not pickle into workers
