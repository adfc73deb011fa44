"""The codes of one class, as in `codes["hair"].texture = other["hair"].texture`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from composegan.errors import UserError, nearest

if TYPE_CHECKING:
    from composegan.model.codes import Codes, Names

PARTS = ("shape", "texture")


NONE = "the model has one code for each layer of the whole picture and none per class"


def check_whole(names: Sequence[str], known: Sequence[str], part: Names = "both", base: bool = False) -> None:
    """Raise UserError unless the codes of these classes are all codes of a model without codes per class."""
    if (names and len(set(names)) < len(known)) or part != "both" or not base:
        given = "all" if len(set(names)) == len(known) else ",".join(names)
        raise UserError(f"classes={given}: {NONE}; classes=all base=on changes the whole picture")


class ClassCodes:
    """The codes of one class in N pictures, as views: assigning to `shape`, `texture` or `present` changes the `Codes`
    that they belong to."""

    __slots__ = ("_codes", "_index")
    _codes: Codes
    _index: int

    def __init__(self, codes: Codes, index: int) -> None:
        object.__setattr__(self, "_codes", codes)
        object.__setattr__(self, "_index", index)

    @property
    def present(self) -> Tensor:
        """Whether each picture has the class: (N,) bool, on the CPU."""
        return self._codes.present[:, self._index]

    @present.setter
    def present(self, value: Tensor | np.ndarray | bool) -> None:
        there, count = as_tensor(value, f"{self._label}.present"), len(self._codes)
        if tuple(there.shape) not in ((), (1,), (count,)):
            raise UserError(f"{self._label}.present: shape {tuple(there.shape)} given; a bool or ({count},) is needed")
        if not self._codes.class_codes and not there.all():
            raise UserError(f"{self._label}.present: {NONE}; it draws every class in every picture")
        self._codes.present[:, self._index] = there.cpu() != 0

    @property
    def shape(self) -> Tensor:
        """Outline and position: (N, S). Assign a tensor or array of shape (N, S), (1, S) or (S,).

        Raises UserError for another shape, values that are not finite, and the code of another model.
        """
        return self._codes._view(self._slot)

    @shape.setter
    def shape(self, value: Tensor | np.ndarray) -> None:
        self._codes._assign(self._slot, value, f"{self._label}.shape")

    @property
    def texture(self) -> Tensor:
        """Colour and surface: (N, S). Assigned as `shape`."""
        return self._codes._view(self._slot + 1)

    @texture.setter
    def texture(self, value: Tensor | np.ndarray) -> None:
        self._codes._assign(self._slot + 1, value, f"{self._label}.texture")

    @property
    def _slot(self) -> int:
        if not self._codes.class_codes:
            raise UserError(f"{self._label}: {NONE}; codes.base has them all")
        return self._codes.base_layers + 2 * self._index

    @property
    def _label(self) -> str:
        return f"codes[{self._codes.classes[self._index]!r}]"

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in (*PARTS, "present"):
            self._unknown(name)
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> NoReturn:
        self._unknown(name)

    def __repr__(self) -> str:
        name, having = self._codes.classes[self._index], int(self.present.sum())
        return f"ClassCodes({name!r}, {len(self._codes)} pictures, present in {having})"

    def _unknown(self, name: str) -> NoReturn:
        raise AttributeError(f"the codes of a class have no {name!r}; {nearest(name, (*PARTS, 'present'))}")


def as_tensor(value: Any, label: str) -> Tensor:
    """A tensor, array, number or list of these as a tensor. Raises UserError for anything else."""
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        hint = ", such as its .shape" if isinstance(value, ClassCodes) else ""
        raise UserError(f"{label}: a {type(value).__name__} given; a tensor or array is needed{hint}") from error
