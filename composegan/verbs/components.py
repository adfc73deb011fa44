"""`composegan components`: a picture composed class by class."""

from __future__ import annotations

from dataclasses import dataclass

from composegan.config.lists import names_in
from composegan.verbs.base import CodesCommand, command, count


@dataclass
class Components(CodesCommand):
    classes: str = "all"  # in the order they are added, such as background,face,hair
    out: str | None = None  # folder to write; empty: components in results/
    n: int = count(2)  # how many pictures

    def execute(self) -> None:
        model = self.load_model()
        from composegan.editing.components import components

        names = names_in(self.classes, model.classes, groups=model.groups) or model.classes
        out = self.new_output(self.out, "components")
        with self.new_folder(out) as folder:
            for number, code in enumerate(self.load_codes(model, self.n)):
                components(model, code, names).save(folder, number, overwrite=True)
        print(f"wrote {out}; look at {out / '00000.png'}")


verb = command(
    Components, "show how pictures are put together, class by class, with pseudo-depth",
    "Write a sheet per picture: classes added one after another, their masks and pseudo-depth maps.",
    "run=PATH key=value ...", "classes=background,hair,face ...",
)  # fmt: skip
