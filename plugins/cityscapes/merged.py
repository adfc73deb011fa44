"""Merge classes into super-classes: the usual alternative to sharing weights between classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from composegan.data import Sample, fingerprint, source_warnings
from composegan.plugin import DomainSpec, Source, UserError


class Merged:
    """A source with its labels mapped from domain `fine` to `coarse`. Raises UserError as `merging_table` does."""

    def __init__(self, source: Source, fine: DomainSpec, coarse: DomainSpec) -> None:
        self.source = source
        self.table = merging_table(fine, coarse)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        sample = self.source[index]
        return replace(sample, labels=self.table[sample.labels])

    def warnings(self) -> list[str]:
        """Those of the source."""
        return source_warnings(self.source)

    def fingerprint(self) -> str | None:
        """That of the source, with the table; None if the source has none."""
        known = fingerprint(self.source)
        return known and f"{known} {self.table.tolist()}"


def merging_table(fine: DomainSpec, coarse: DomainSpec) -> np.ndarray:
    """Return the super-class of each class, uint8 (classes of `fine`,), from `merged` in the YAML of `coarse`.

    Raises UserError for unknown, missing or duplicate classes and for a super-class without any.
    """
    where, merged = f"domain {coarse.name!r}: merged", coarse.foreign["merged"]
    parents: dict[int, int] = {}
    for parent, names in merged.items():
        for name in names:
            if fine.index(name) in parents:
                raise UserError(
                    f"{where}: {name} is in {coarse.names[parents[fine.index(name)]]} and in {parent}; remove one"
                )
            parents[fine.index(name)] = coarse.index(parent)
    missing = [name for name in fine.names if fine.index(name) not in parents]
    if missing:
        raise UserError(f"{where}: lacks {', '.join(missing)}; add them to a super-class")
    empty = [name for name in coarse.names if coarse.index(name) not in parents.values()]
    if empty:
        raise UserError(f"{where}: has no class for {', '.join(empty)}; add one")
    return np.array([parents[label] for label in range(len(fine.classes))], np.uint8)
