"""`composegan directions`: find steps in the codes of named classes that do one thing, and measure what they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composegan.config.lists import numbers_in
from composegan.errors import UserError
from composegan.verbs.choices import ClassesChoice, ModelChoice, at_least, one_of, opened
from composegan.verbs.help_text import help_text

if TYPE_CHECKING:
    from composegan.editing.directions.attributes import Attribute
    from composegan.editing.directions.direction import Direction, Target
    from composegan.model.saved_model import Model

ABOUT = "find directions in the codes of named classes, for edit's sliders"
METHODS = ("pca", "sefa", "boundary")


@dataclass
class DirectionsConfig(ClassesChoice, ModelChoice):
    method: str = "pca"  # pca (where codes vary most), sefa (what weights answer to most) or boundary (an attribute)
    count: int = 5  # of pca and sefa: how many directions
    attribute: str | None = None  # of boundary: area(hair), x, y, presence, brightness, saturation, hue, red, ...
    weights: str | None = None  # of attribute=classifier(NETWORK:CLASS): the state dict of that timm network
    labels: str | None = None  # of boundary, instead of an attribute: a CSV of picture,0 or 1 for those of codes=
    codes: str | None = None  # of labels: codes.npz of the pictures that were labelled
    n: int = 2000  # of boundary: how many pictures are drawn and measured
    share: float = 0.33  # of boundary: the part of them at either end of the attribute that is told apart
    amount: float = 2.0  # standard deviations at which effect and leakage are measured
    measured: int = 64  # how many pictures they are measured on
    shown: str = "0,1"  # the numbers of the drawn pictures that the strips show, such as 0,3,5-8
    seed: int = 0  # of the pictures that are drawn
    truncation: float = 0.7  # of these; 1: all the variety there is; towards 0: ever closer to the average
    out: str | None = None  # folder to write; empty: directions in the run's or model's folder; adds to what is there
    batch: int = 16  # images at a time

    def check(self) -> None:
        super().check()
        one_of(METHODS, method=self.method)
        at_least(1, count=self.count, n=self.n, measured=self.measured, batch=self.batch)
        at_least(0, seed=self.seed)
        if not numbers_in(self.shown, "shown"):
            raise UserError("shown=: which pictures? as in shown=0,1")
        if not 0 < self.truncation <= 1:
            raise UserError(f"truncation={self.truncation}: must be above 0, where all pictures are one, to 1")
        if not 0 < self.share <= 0.5:
            raise UserError(f"share={self.share}: must be above 0, to 0.5")
        if self.amount <= 0:
            raise UserError(f"amount={self.amount}: must be above 0; both signs are measured")
        given = [key for key in ("attribute", "labels") if getattr(self, key)]
        if self.method == "boundary" and len(given) != 1:
            raise UserError("method=boundary needs attribute=, as in 'attribute=area(hair)', or labels= and codes=")
        if self.method != "boundary" and given:
            raise UserError(f"{given[0]}= is for method=boundary, not for method={self.method}")
        if bool(self.labels) != bool(self.codes):
            raise UserError("labels= and codes= go together: the labels, and the codes of the pictures they are of")


def help() -> str:
    usage = [
        "composegan directions classes=hair part=texture method=pca key=value ...",
        "composegan directions classes=hair method=boundary 'attribute=area(hair)' key=value ...",
        "composegan directions classes=face method=boundary labels=FILE.csv codes=FILE key=value ...",
    ]
    about = "Write named directions (safetensors and json) with their measured effect and leakage, and their pictures."
    return help_text(usage, about, DirectionsConfig)


def run(arguments: Sequence[str]) -> None:
    """Find directions of a run or a model; says what they do and where they are."""
    config, folder, model = opened(DirectionsConfig, arguments, "directions")
    from composegan.editing.directions.direction import Target
    from composegan.editing.directions.measure import measured, report
    from composegan.editing.directions.store import FACTS, Directions
    from composegan.editing.directions.strips import strips
    from composegan.io.atomic import atomic_file
    from composegan.model.random_codes import draw_codes
    from composegan.runtime.progress import progress_bar

    target = Target(tuple(sorted(config.names(model.classes), key=model.index)), config.part, config.base)
    out = Path(config.out).expanduser() if config.out else folder / "directions"
    before = Directions.load(out, model) if (out / FACTS).exists() else Directions.of(model)
    attribute = _attribute(config, model)
    found = _find(config, model, target, attribute, out)
    codes = draw_codes(model, config.measured, seed=config.seed + 1, truncation=config.truncation)
    with progress_bar("measuring", len(found)) as advance:
        for number, direction in enumerate(found):
            found[number] = measured(model, direction, codes, config.amount, attribute, config.batch)
            print(report(found[number]), flush=True)
            advance(1)
    directions = before + Directions.of(model, found)
    directions.save(out)
    numbers = numbers_in(config.shown, "shown")
    shown = draw_codes(model, seed=config.seed, truncation=config.truncation, pictures=numbers)
    picture = f"{found[0].name if len(found) == 1 else f'{target.name(model.classes)}.{config.method}'}.png"
    with atomic_file(out / picture) as path:
        strips(model, found, shown, config.batch).save(path, format="png")
    print(f"wrote {out}: {len(found)} directions, {len(directions)} in all; look at {out / picture}")


def _attribute(config: DirectionsConfig, model: Model) -> Attribute | None:
    """What is asked for, checked before any work is done."""
    from composegan.editing.directions.attributes import class_attribute
    from composegan.editing.directions.classifier import classifier_attribute, is_classifier

    if not config.attribute:
        return None
    weights = Path(config.weights).expanduser() if config.weights else None
    if is_classifier(config.attribute):
        return classifier_attribute(config.attribute, weights, model.device)
    if weights:
        raise UserError("weights= is for attribute=classifier(NETWORK:CLASS)")
    return class_attribute(config.attribute, model.classes)


def _find(
    config: DirectionsConfig, model: Model, target: Target, attribute: Attribute | None, out: Path
) -> list[Direction]:
    from composegan.editing.directions.pca import covariance, pca_directions
    from composegan.editing.directions.sefa import sefa_directions
    from composegan.editing.directions.separate import attribute_direction, labelled_direction
    from composegan.model.codes import Codes

    spread = covariance(model)
    if config.method != "boundary":
        if config.count > len(spread):
            raise UserError(
                f"count={config.count}: the model's codes have {len(spread)} numbers, and so many directions"
            )
        method = pca_directions if config.method == "pca" else sefa_directions
        return method(model, target, config.count, spread)
    if attribute is None:
        codes = Codes.load(Path(config.codes).expanduser(), model)
        labels = Path(config.labels).expanduser()
        return [labelled_direction(model, target, labels, codes, spread, config.seed)]
    return [
        attribute_direction(
            model, target, attribute, spread, n=config.n, share=config.share, seed=config.seed,
            truncation=config.truncation, batch=config.batch, title=f"measuring {attribute.text}", keep=out,
        )
    ]  # fmt: skip
