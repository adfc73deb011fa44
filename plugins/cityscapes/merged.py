"""The same images in fewer classes: labels merged, as the known alternative to sharing weights does it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from composegan.data import Sample, UserError
from composegan.domain import DomainSpec, Source


class Merged:
    """A source whose labels of `fine` become those of `coarse`, by the table `merged` of the latter's YAML.

    Raises UserError when the table forgets a class, or names one that there is not.
    """

    def __init__(self, source: Source, fine: DomainSpec, coarse: DomainSpec) -> None:
        self.source = source
        self.table = merging_table(fine, coarse)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        sample = self.source[index]
        return replace(sample, labels=self.table[sample.labels])


def merging_table(fine: DomainSpec, coarse: DomainSpec) -> np.ndarray:
    """The index of the super-class of each class: uint8 (classes of `fine`,)."""
    parents = {
        fine.index(name): coarse.index(parent) for parent, names in coarse.foreign["merged"].items() for name in names
    }
    missing = [name for name in fine.names if fine.index(name) not in parents]
    if missing:
        raise UserError(f"domain {coarse.name!r}: merged: has no place for {', '.join(missing)}")
    return np.array([parents[label] for label in range(len(fine.classes))], np.uint8)
