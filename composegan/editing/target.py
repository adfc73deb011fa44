"""Which codes an edit or a direction changes: parts of classes, and the base codes or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from composegan.config.lists import names_of
from composegan.errors import UserError, check_choice, check_flags
from composegan.model.class_codes import PARTS, check_whole
from composegan.model.codes import Codes, Names
from composegan.model.random_codes import mean_codes
from composegan.model.saved_model import Model


@dataclass(frozen=True)
class Target:
    """classes: by name; part: "shape", "texture" or "both" of their codes; base: whether the base codes change too."""

    classes: tuple[str, ...]
    part: str = "both"
    base: bool = False

    @classmethod
    def of(cls, model: Model, classes: Names, part: str = "both", base: bool = False) -> Self:
        """Validate what was given. classes: names of classes or of categories, or text such as "hair,hat"
        or "all"; in the order given.

        Raises UserError for an unknown class or part, if nothing is left to change, and, of a model without codes per
        class, for less than the whole picture.
        """
        check_choice("part", part, (*PARTS, "both"))
        check_flags(base=base)
        names = names_of(classes, model.classes, model.groups)
        if not names and not base:
            raise UserError(f"classes: name at least one; there are: {', '.join(model.classes)}")
        if not model.generator.layout.class_codes:
            check_whole(names, model.classes, part, base)
        return cls(tuple(names), part, base)

    def mask(self, codes: Codes) -> Tensor:
        """Mask of the slots: (base + 2K,) bool, see `Codes.slots_of`."""
        return codes.slots_of(self.classes, self.part, self.base)

    def slots(self, model: Model) -> tuple[int, ...]:
        """Positions of the slots among a model's base + 2K."""
        return tuple(self.mask(mean_codes(model)).nonzero().flatten().tolist())

    def name(self, known: Sequence[str]) -> str:
        """`hair.texture`; `hair` for both parts; `hair+hat` for two classes; `all` for all of `known`; `base`."""
        classes = ["all"] if self.classes == tuple(known) else list(self.classes)
        what = "+".join([*classes, *(["base"] if self.base else [])])
        return what if self.part == "both" or not self.classes else f"{what}.{self.part}"
