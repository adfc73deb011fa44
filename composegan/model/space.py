"""Whether codes, directions and models belong together: the same classes, in the same latent space."""

from collections.abc import Sequence
from typing import Protocol

from composegan.errors import UserError


class HasSpace(Protocol):
    """Codes, a model, or directions: of these classes, in this latent space."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def space(self) -> str: ...


def differing(classes: Sequence[str], others: Sequence[str]) -> str:
    """The first few names that are in only one of two lists, for an error line."""
    return ", ".join(sorted(set(classes) ^ set(others))[:5]) or "their order"


def check_space(what: str, classes: Sequence[str], space: str, own: HasSpace) -> None:
    """Raise UserError unless something of these classes and this latent space fits a model, or other codes.

    what: the beginning of the error line.
    """
    if tuple(classes) != own.classes:
        differ = differing(classes, own.classes)
        raise UserError(f"{what}: for other classes than the model's (they differ in: {differ})")
    if space != own.space:
        raise UserError(
            f"{what}: from another model (latent space {space}, not {own.space}); use it with its own model"
        )
