"""Items of a source that cannot be read or used: told by name, and passed over where that is allowed."""

from __future__ import annotations

from composegan.data.sample import Sample, check_sample
from composegan.errors import UserError
from composegan.plugin.domain import Source

IN_A_ROW = 100
"""So many bad items one after another are no bad items any more: the data is gone."""


def read_item(source: Source, number: int, classes: int) -> Sample:
    """An item that is known to be good. Raises UserError, also where a source leaves to us that a disk fails."""
    try:
        return check_sample(source[number], classes)
    except OSError as error:
        where = error.filename or f"item {number}"
        raise UserError(f"{where}: cannot be read ({error.strerror or error})") from error


class InARow:
    """Notices, of `count` items that are read in turn, when so many failed one after another that the data is gone.

    An item that comes again counts once.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.failures: dict[int, str] = {}

    def note(self, number: int, failure: str | None) -> None:
        """failure: what is wrong with an item; None: nothing. Raises UserError when it is the last of too many."""
        if failure is None:
            self.failures.clear()
            return
        self.failures.setdefault(number, failure)
        if len(self.failures) >= min(self.count, IN_A_ROW):
            which = f"the {self.count} images" if self.count <= IN_A_ROW else f"{IN_A_ROW} images in a row"
            first = next(iter(self.failures.values()))
            raise UserError(f"none of {which} can be used; the first: {first}")


class Items:
    """Reads items in turn. on_error: "skip" passes over those that cannot be used. count: how many are to be read."""

    def __init__(self, source: Source, classes: int, on_error: str, count: int) -> None:
        self.source, self.classes, self.skip, self.row = source, classes, on_error == "skip", InARow(count)

    def read(self, number: int) -> Sample | None:
        """An item; None: it is passed over. Raises UserError where that is not allowed, or the data is gone."""
        try:
            sample = read_item(self.source, number, self.classes)
        except UserError as error:
            if not self.skip:
                raise
            self.row.note(number, str(error))
            return None
        self.row.note(number, None)
        return sample
