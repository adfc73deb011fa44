"""`composegan sample`: images, masks and codes from a run or a saved model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composegan.config.lists import changes_in
from composegan.verbs.base import CodesCommand, command, count, in_file_name


@dataclass
class Sample(CodesCommand):
    mean: bool = False  # the mean picture instead
    classes: str = ""  # what each picture has: +hat,-eyeglass changes its own classes; hair,face: no others
    out: str | None = None  # folder to write; empty: samples-seedSEED in results/
    n: int = count(16)  # how many images
    batch: int = count(16)  # images at a time

    def execute(self) -> None:
        model = self.load_model()
        from composegan.model.random_codes import mean_codes

        codes = mean_codes(model) if self.mean else self.load_codes(model, self.n)
        add, remove, only = changes_in(self.classes, model.classes, groups=model.groups)
        codes = codes.having(add, remove, only)
        name = "mean" if self.mean else Path(self.codes).stem if self.codes else f"seed{self.seed}"
        name += f"-{self.classes}" if self.classes else ""
        out = self.new_output(self.out, f"samples-{in_file_name([name])}")
        with self.new_folder(out) as folder:
            model.draw(codes, self.batch).save(folder, overwrite=True)
        print(f"wrote {out}; look at {out / 'contact_sheet.png'}")


verb = command(
    Sample, "draw images and masks from a run or a saved model",
    "Write images, colored masks, their codes (npz) and a contact sheet.",
    "run=PATH key=value ...", "model=PATH key=value ...", "model=PATH codes=FILE key=value ...",
    "model=PATH classes=+hat,-eyeglass key=value ...",
)  # fmt: skip
