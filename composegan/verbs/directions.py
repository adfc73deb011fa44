"""`composegan directions`: find steps in the codes of named classes that do one thing, and measure what they do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composegan.config.lists import numbers_in
from composegan.editing import DIRECTION_METHODS
from composegan.errors import UserError
from composegan.model import TRUNCATION
from composegan.plugin.fields import choice, number
from composegan.verbs.base import ClassesCommand, command
from composegan.verbs.base import count as number_of


@dataclass
class FindDirections(ClassesCommand):
    method: str = choice(*DIRECTION_METHODS)  # pca: by variance; sefa: by weights; boundary: towards an attribute
    count: int = number_of(5)  # how many directions; for pca and sefa
    attribute: str | None = None  # for boundary: area(hair), x, y, presence, brightness, saturation, hue, red, ...
    weights: str | None = None  # state dict of the timm network of attribute=classifier(NETWORK:CLASS)
    labels: str | None = None  # CSV of picture,0 or 1 for those of codes=; for boundary, instead of an attribute
    codes: str | None = None  # codes.npz of the pictures in labels=
    n: int = number_of(2000)  # how many pictures are drawn and measured; for boundary
    share: float = number(0.33, above=0, most=0.5)  # fraction of these pictures on each side; for boundary
    amount: float = number(2.0, above=0)  # standard deviations at which effect and leakage are measured
    measured: int = number_of(64)  # how many pictures effect and leakage are measured on
    shown: str = "0,1"  # the numbers of the drawn pictures that the strips show, such as 0,3,5-8
    seed: int = number(0, least=0)  # seed of the pictures that are drawn
    truncation: float = number(TRUNCATION, above=0, most=1)  # variety of drawn pictures; 1: full; 0: mean picture
    out: str | None = None  # folder to write; empty: directions in results/; adds to what is there
    batch: int = number_of(16)  # images at a time

    def check(self) -> None:
        super().check()
        if not numbers_in(self.shown, "shown"):
            raise UserError("shown=: name at least one picture, as in shown=0,1")
        given = [key for key in ("attribute", "labels") if getattr(self, key)]
        if self.method == "boundary" and len(given) != 1:
            raise UserError("method=boundary needs attribute=, as in 'attribute=area(hair)', or labels= and codes=")
        if self.method != "boundary" and given:
            raise UserError(f"{given[0]}= is for method=boundary, not for method={self.method}")
        if bool(self.labels) != bool(self.codes):
            raise UserError("labels= and codes= go together: the labels, and the codes of the labelled pictures")

    def execute(self) -> None:
        model = self.load_model()
        import torch

        from composegan.editing.directions.effect import report, strips
        from composegan.editing.directions.find import find_directions
        from composegan.editing.directions.store import FACTS, Directions
        from composegan.io.atomic import atomic_file
        from composegan.model.codes import Codes

        target, out = self.target(model), self.output(self.out, "directions")
        before = Directions.load(out, model) if (out / FACTS).exists() else Directions.of(model)
        weights, labels, codes = (
            Path(path).expanduser() if path else None for path in (self.weights, self.labels, self.codes)
        )
        found = find_directions(
            model, target, self.method, count=self.count, attribute=self.attribute, weights=weights, labels=labels,
            codes=Codes.load(codes, model) if codes else None, n=self.n, share=self.share, seed=self.seed,
            truncation=self.truncation, batch=self.batch, keep=out, measured_on=self.measured, amount=self.amount,
            found=lambda direction: print(report(direction), flush=True),
        )  # fmt: skip
        other = [
            one.name for one in found if one.name in before and not torch.equal(one.vectors, before[one.name].vectors)
        ]
        if other and not self.overwrite:
            raise UserError(
                f"out={out}: has other directions named {', '.join(other)}; choose another out=, or write over "
                "them with overwrite=on"
            )
        directions = before + Directions.of(model, found)
        directions.save(out, overwrite=True)
        numbers = numbers_in(self.shown, "shown")
        shown = model.codes(seed=self.seed, truncation=self.truncation, pictures=numbers)
        several = f"{found[0].target.name(model.classes)}.{self.method}"
        picture = out / f"{found[0].name if len(found) == 1 else several}.png"
        with atomic_file(picture) as path:
            strips(model, found, shown, self.batch).save(path, format="png")
        print(f"wrote {out}: {len(found)} directions, {len(directions)} in all; look at {picture}")


verb = command(
    FindDirections, "find directions in the codes of named classes, for edit's sliders",
    "Write named directions (safetensors and json) with their measured effect and leakage, and their pictures.",
    "classes=hair part=texture method=pca key=value ...",
    "classes=hair method=boundary 'attribute=area(hair)' key=value ...",
    "classes=face method=boundary labels=FILE.csv codes=FILE key=value ...",
)  # fmt: skip
