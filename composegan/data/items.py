"""Read items of a source: check each, and skip bad ones where that is allowed."""

from __future__ import annotations

from composegan.data.sample import Sample, check_sample
from composegan.errors import UserError
from composegan.plugin.domain import Source

IN_A_ROW = 100
"""After this many consecutive bad items the data itself must be gone."""


def read_item(source: Source, number: int, classes: int) -> Sample:
    """A checked item. Raises UserError for a bad one, and for an OSError that the source did not translate."""
    try:
        return check_sample(source[number], classes)
    except OSError as error:
        where = error.filename or f"item {number}"
        raise UserError(f"{where}: cannot be read ({error.strerror or error})") from error


class InARow:
    """Counts consecutive failures among `count` items; an item that fails twice counts once."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.failures: dict[int, str] = {}

    def note(self, number: int, failure: str | None) -> None:
        """Record an item's failure, or None for success. Raises UserError at IN_A_ROW failures or when all failed."""
        if failure is None:
            self.failures.clear()
            return
        self.failures.setdefault(number, failure)
        if len(self.failures) >= min(self.count, IN_A_ROW):
            which = f"the {self.count} images" if self.count <= IN_A_ROW else f"{IN_A_ROW} images in a row"
            first = next(iter(self.failures.values()))
            raise UserError(f"none of {which} can be used; the first: {first}")


class Items:
    """Reads `count` items of a source in turn. on_error: "skip" skips those that cannot be used."""

    def __init__(self, source: Source, classes: int, on_error: str, count: int) -> None:
        self.source, self.classes, self.skip, self.row = source, classes, on_error == "skip", InARow(count)

    def read(self, number: int) -> Sample | None:
        """An item, or None when it is skipped. Raises UserError when skipping is not allowed or the data is gone."""
        try:
            sample = read_item(self.source, number, self.classes)
        except UserError as error:
            if not self.skip:
                raise
            self.row.note(number, str(error))
            return None
        self.row.note(number, None)
        return sample
