"""The same images with merged classes: the usual alternative to sharing weights between classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from composegan.data import Sample
from composegan.plugin import DomainSpec, Source, UserError


class Merged:
    """Maps the labels of a source from `fine` to `coarse`, by the table `merged` in the YAML of `coarse`.

    Raises UserError as `merging_table` does.
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
    """The index of the super-class of each class: uint8 (classes of `fine`,).

    Raises UserError for a table with unknown, missing or duplicate classes, or a super-class without any.
    """
    where, merged = f"domain {coarse.name!r}: merged", coarse.foreign["merged"]
    parents: dict[int, int] = {}
    for parent, names in merged.items():
        for name in names:
            if fine.index(name) in parents:
                raise UserError(f"{where}: {name} is in {coarse.names[parents[fine.index(name)]]} and in {parent}")
            parents[fine.index(name)] = coarse.index(parent)
    missing = [name for name in fine.names if fine.index(name) not in parents]
    if missing:
        raise UserError(f"{where}: is missing {', '.join(missing)}")
    empty = [name for name in coarse.names if coarse.index(name) not in parents.values()]
    if empty:
        raise UserError(f"{where}: no class is in {', '.join(empty)}")
    return np.array([parents[label] for label in range(len(fine.classes))], np.uint8)
