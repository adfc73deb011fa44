"""Fields of a settings dataclass with bounds beside their defaults. Standard library only.

@dataclass
class Settings:
    margin: float = number(1.0, least=0, most=10)  # the comment is the help text
    reduce: str = choice("mean", "max")  # the first is the default
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from composegan.errors import UserError, nearest


@dataclass(frozen=True)
class Bounds:
    """The values that a setting accepts: numbers from `least` (or above `above`) to `most`, or one of `choices`.

    With `least`, both numbers and `choices` are accepted.
    """

    least: float | None = None
    above: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.choices:
            words = " or ".join(filter(None, (", ".join(self.choices[:-1]), self.choices[-1])))
            return words if self.least is None else f"a number, {self.least:,} to {self.most:,}, or {words}"
        if self.least is not None and self.most is not None:
            return f"{self.least:,} to {self.most:,}"
        parts = ((self.least, "{:,} or more"), (self.above, "above {:,}"), (self.most, "at most {:,}"))
        return ", ".join(text.format(value) for value, text in parts if value is not None)

    def check(self, key: str, value: Any) -> None:
        """Raise UserError, naming the setting, for a value that is out of bounds. None is always accepted."""
        if value is None:
            return
        if self.choices and (self.least is None or isinstance(value, str)):
            if value not in self.choices:
                offer = nearest(str(value), self.choices)
                raise UserError(f"{key}={value}: {offer if self.least is None else f'must be {self}'}")
            return
        low = (self.least is None or value >= self.least) and (self.above is None or value > self.above)
        if not low or (self.most is not None and value > self.most):
            raise UserError(f"{key}={value}: must be {self}")


def number(
    default: float | None, *, least: float | None = None, above: float | None = None, most: float | None = None
) -> Any:
    """A field for a number from `least`, or above `above`, to `most`. A default of None makes it optional."""
    return field(default=default, metadata={"bounds": Bounds(least, above, most)})


def number_or(default: float | str, *words: str, least: float, most: float) -> Any:
    """A field of type `float | str` for a number from `least` to `most`, or one of `words`."""
    return field(default=default, metadata={"bounds": Bounds(least, None, most, words)})


def choice(*names: str, default: str | None = None) -> Any:
    """A field for one of `names`; the default is the first unless given."""
    return field(default=names[0] if default is None else default, metadata={"bounds": Bounds(choices=names)})


def extension(kind: Any, default: Any) -> Any:
    """A field that names an extension of a `composegan.plugin.contracts.Kind`, or several, separated by commas."""
    return field(default=default, metadata={"kind": kind})


def extension_values() -> Any:
    """A field for the settings of the extensions that the dataclass's other fields name, by dotted key."""
    return field(default_factory=dict, metadata={"hidden": True})
