"""`composegan components`: a picture composed class by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from composegan.config.lists import names_in
from composegan.errors import UserError
from composegan.verbs.base import CodesCommand, command, count

if TYPE_CHECKING:
    from composegan.model.saved_model import Model


@dataclass
class Components(CodesCommand):
    classes: str = "all"  # in the order they are added, such as background,face,hair
    out: str | None = None  # folder to write; empty: components in results/
    layers: bool = False  # instead, each class as a PNG with transparency (model.family=modern)
    n: int = count(2)  # how many pictures

    def check(self) -> None:
        """Raise UserError for classes of layers: there are all that a picture has."""
        super().check()
        if self.layers and self.classes != "all":
            raise UserError(f"classes={self.classes}: layers=on writes all classes of a picture; leave classes out")

    def execute(self) -> None:
        model = self.load_model()
        if self.layers:
            self.write_layers(model)
            return
        from composegan.editing.components import components

        names = names_in(self.classes, model.classes, groups=model.groups) or model.classes
        out = self.new_output(self.out, "components")
        with self.new_folder(out) as folder:
            for number, code in enumerate(self.load_codes(model, self.n)):
                components(model, code, names).save(folder, number, overwrite=True)
        print(f"wrote {out}; look at {out / '00000.png'}")

    def write_layers(self, model: Model) -> None:
        """Write the layers of each picture, a sheet of them, and the index layers.json."""
        from composegan.editing.layers import layers

        found = [layers(model, code) for code in self.load_codes(model, self.n)]
        out = self.new_output(self.out, "layers")
        with self.new_folder(out) as folder:
            for number, of_picture in enumerate(found):
                of_picture.save(folder, number, overwrite=True)
        print(f"wrote {out}; look at {out / '00000.png'}")


verb = command(
    Components, "show how pictures are put together, class by class, with pseudo-depth",
    "Write a sheet per picture: classes added one after another, their masks and pseudo-depth maps. With layers=on, "
    "each class as a PNG with transparency, from back to front, listed in layers.json.",
    "run=PATH key=value ...", "classes=background,hair,face ...", "layers=on ...",
)  # fmt: skip
