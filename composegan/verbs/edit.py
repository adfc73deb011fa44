"""`composegan edit`: change named classes and see what else changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composegan.editing import AMOUNT, METHODS, WITH_AMOUNT, check_used
from composegan.errors import UserError
from composegan.plugin.fields import choice, number
from composegan.verbs.base import ClassesCommand, codes_of, command, in_file_name
from composegan.verbs.edited import EditedCommand

if TYPE_CHECKING:
    from composegan.editing.edit import Edit as Edited
    from composegan.model.codes import Codes
    from composegan.model.saved_model import Model

BY_SETTING = {"slide": ("slide",), "move": ("dx", "dy", "scale"), "recolor": ("color",)}
"""Methods with settings of their own, which select the method."""


@dataclass
class Edit(ClassesCommand, EditedCommand):
    method: str = choice(*METHODS, *BY_SETTING)  # resample: fresh codes; copy: those of other=
    amount: float | None = None  # scale: 0 mean, 1 unchanged, 2 twice as far; interpolate: 1 the other; empty: 0.5
    other: str | None = None  # codes.npz to copy from or interpolate to; empty: drawn from other_seed
    other_seed: int = number(1, least=0)  # seed of the other codes, and of resampled ones
    other_pictures: str = ""  # which of the other codes, one for all or one for each; empty: the first ones
    slide: str | None = None  # standard deviations to move along directions, as in hair.texture.pca0:2,hair.area:-1.5
    directions: str | None = None  # for slide: the folder that `composegan directions` wrote
    dx: float | None = None  # move the classes to the right, pixels of the picture; below 0: to the left
    dy: float | None = None  # move the classes down, pixels; below 0: up
    scale: float | None = None  # enlarge the classes about their centre; below 1: shrink them
    color: str | None = None  # recolor the classes to this mean color, such as #a04020 or teal

    def check(self) -> None:
        for method, settings in BY_SETTING.items():
            if self.method == "resample" and any(getattr(self, name) is not None for name in settings):
                self.method = method
        super().check()
        check_used(self.method, self.amount, self.other)
        if self.method in WITH_AMOUNT and self.amount is None:
            self.amount = AMOUNT
        if [bool(self.slide), bool(self.directions)] != [self.method == "slide"] * 2:
            raise UserError("slide= and directions= go together, and with no other method: what to move, and its file")
        if self.slide and (self.classes, self.part, self.base) != ("all", "both", False):
            raise UserError("classes=, part= and base= do not apply to slide=; each direction has its own")
        if self.photos and self.base:
            raise UserError(f"photos={self.photos}: needs codes= of invert, and neither base=on nor composite=off")
        self._check_own_settings()

    def _check_own_settings(self) -> None:
        """Raise UserError for settings of `move` and `recolor` that are missing, or given for another method."""
        for method in ("move", "recolor"):
            given = [f"{name}={getattr(self, name)}" for name in BY_SETTING[method] if getattr(self, name) is not None]
            if given and method != self.method:
                raise UserError(f"{given[0]}: is for method={method}, not for method={self.method}")
            if method == self.method and not given:
                raise UserError(f"method={method}: write {' or '.join(f'{name}=' for name in BY_SETTING[method])} too")
        if self.method not in ("move", "recolor"):
            return
        if (self.part, self.base) != ("both", False):
            changed = "shape" if self.method == "move" else "texture"
            raise UserError(f"method={self.method}: changes the {changed} only; leave part= and base= out")
        if self.classes == "all":
            raise UserError(f"method={self.method}: name the classes, as in classes=hair")

    def execute(self) -> None:
        if self.color is not None:
            from composegan.editing.recolor import color_of

            color_of(self.color)  # before the model is loaded
        model = self.load_model()
        from composegan.model.sample import codes_of as codes_in

        before = self.before(model, anew=self.base)
        codes = codes_in(before)
        names, base, after = self._slide(model, codes) if self.slide else self._edit(model, codes)
        self.finish(
            model, before, after, None if base else names, f"edit-{in_file_name(names)}-{self.method}",
            method=self.method, region="both" if self.method == "move" else "classes",
            notes=self._colors if self.color else lambda edit: [],
        )  # fmt: skip

    def _edit(self, model: Model, codes: Codes) -> tuple[tuple[str, ...], bool, Codes]:
        """The edited classes, whether the base codes change, and the codes after."""
        from composegan.editing.edit import edit_codes
        from composegan.editing.paint import move_codes
        from composegan.editing.recolor import color_of, recolor_codes

        target, other = self.target(model), None
        if self.method == "move":
            scale = 1.0 if self.scale is None else self.scale
            return target.classes, False, move_codes(model, codes, target, self.dx or 0.0, self.dy or 0.0, scale)
        if self.method == "recolor":
            return target.classes, False, recolor_codes(model, codes, target, color_of(self.color or ""), self.batch)
        if self.method in ("copy", "interpolate"):
            other = codes_of(
                model, self.other, self.other_seed, self.other_pictures, self.truncation, len(codes), "other_"
            )
        after = edit_codes(
            model, codes, target, self.method, amount=self.amount, other=other, seed=self.other_seed,
            truncation=self.truncation,
        )  # fmt: skip
        return target.classes, target.base, after

    def _slide(self, model: Model, codes: Codes) -> tuple[tuple[str, ...], bool, Codes]:
        """As `_edit`, by sliders."""
        from composegan.editing.directions.store import Directions, parse_sliders

        assert self.slide and self.directions  # by `check`
        sliders = parse_sliders(self.slide, Directions.load(Path(self.directions).expanduser(), model))
        for direction, amount in sliders:
            codes = direction.apply(codes, amount)
        targets = [direction.target for direction, _ in sliders]
        names = tuple(name for name in model.classes if any(name in target.classes for target in targets))
        return names, any(target.base for target in targets), codes

    def _colors(self, edit: Edited) -> list[str]:
        """A line for each recolored class: how far its mean color is from the one asked for."""
        from composegan.editing.recolor import color_of, far_from

        return far_from(edit, color_of(self.color or ""))


verb = command(
    Edit, "change shape or texture of named classes; shows where the picture changed",
    "Write pictures before and after an edit, a heat map of the difference, and how much leaked elsewhere.",
    "classes=hair part=texture key=value ...",
    "classes=hair,hat method=copy codes=FILE other=FILE other_pictures=3 key=value ...",
    "classes=hair dx=4 dy=-2 scale=1.1 ...", "classes=hair color=#a04020 ...",
    "directions=FOLDER slide=hair.texture.pca0:2,hair.area:-1.5 key=value ...",
)  # fmt: skip
