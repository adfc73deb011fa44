"""`composegan paint`: pictures whose layout is a painted or real label map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composegan.config.lists import names_of
from composegan.errors import UserError
from composegan.verbs.base import command, in_file_name
from composegan.verbs.edited import EditedCommand


@dataclass
class Paint(EditedCommand):
    mask: str = ""  # a label map, PNG in the classes' colors or numbers (transparent or 255: left open), or a folder
    classes: str = "all"  # which classes of the mask to take, such as hair,hat; the others stay where they are

    def check(self) -> None:
        super().check()
        if not self.mask:
            raise UserError("mask=: missing; write mask=FILE, a label map in the classes' colors, or a folder of them")

    def execute(self) -> None:
        model = self.load_model()
        import numpy as np

        from composegan.data.masks import find_masks, read_mask
        from composegan.editing.paint import differing, paint_codes
        from composegan.model.sample import Samples
        from composegan.model.sample import codes_of as codes_in

        files = find_masks(Path(self.mask).expanduser())
        masks = np.stack([read_mask(file, model.spec, model.generator.height, model.generator.width) for file in files])
        names = None if self.classes.strip() == "all" else tuple(names_of(self.classes, model.classes, model.groups))
        if not self.codes and not self.pictures and len(files) > 1 and self.n == type(self).n:
            self.n = len(files)
        before = self.before(model)
        codes = codes_in(before)
        after = paint_codes(model, codes, masks, names)
        if len(after) > len(codes):
            before = before[[0] * len(after)] if isinstance(before, Samples) else codes.repeat(len(after))
        if names is None:
            changed = differing(model, codes_in(before), after)
            self.finish(model, before, after, changed, "paint", method="paint", region="changed")
        else:
            self.finish(model, before, after, names, f"paint-{in_file_name(names)}", method="paint", region="both")


verb = command(
    Paint, "a painted or real label map decides the layout; colors come from codes",
    "Write pictures of codes before and after a label map decided where their classes are.",
    "mask=FILE codes=FILE key=value ...", "mask=FILE classes=hair seed=3 key=value ...",
    more=["model.family=modern composes the label map directly; for other models, shape codes are searched."],
)  # fmt: skip
