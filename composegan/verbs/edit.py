"""`composegan edit`: change named classes and see what else changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composegan.config.lists import numbers_in
from composegan.errors import UserError
from composegan.verbs.choices import ClassesChoice, CodesChoice, at_least, in_file_name, one_of, opened
from composegan.verbs.help_text import help_text

if TYPE_CHECKING:
    import numpy as np

    from composegan.model.codes import Codes
    from composegan.model.saved_model import Model

ABOUT = "change shape or texture of named classes; shows where the picture changed"
METHODS = ("resample", "copy", "scale", "interpolate", "add", "remove", "slide")


@dataclass
class EditConfig(ClassesChoice, CodesChoice):
    method: str = "resample"  # resample (fresh codes), copy (another's), scale, interpolate, add, remove or slide
    amount: float = 0.5  # of scale: 0 the mean, 1 as it is, 2 twice as far; of interpolate: 0 as it is, 1 the other
    other: str | None = None  # codes.npz to copy from or interpolate to; empty: drawn from other_seed
    other_seed: int = 1  # of the other codes, and of resampled ones
    other_pictures: str = ""  # which of the other codes, one for all or one for each; empty: the first ones
    slide: str | None = None  # of slide: standard deviations of directions, as in hair.texture.pca0:2,hair.area:-1.5
    directions: str | None = None  # of slide: the folder that `composegan directions` wrote
    composite: bool = True  # paste the edited classes into the pictures before, so that nothing else changes
    photos: str | None = None  # the photos that codes= were inverted from, to paste the edited classes into them
    out: str | None = None  # folder to write; empty: edit-CLASSES-METHOD in the run's or model's folder
    n: int = 4  # how many pictures
    batch: int = 16  # images at a time

    def check(self) -> None:
        if self.slide and self.method == "resample":
            self.method = "slide"
        super().check()
        one_of(METHODS, method=self.method)
        if [bool(self.slide), bool(self.directions)] != [self.method == "slide"] * 2:
            raise UserError("slide= and directions= go together and with no other method: what to move, and its file")
        if self.slide and (self.classes, self.part, self.base) != ("all", "both", False):
            raise UserError("classes=, part= and base= are not for slide=; each direction has its own")
        if self.photos and (not self.codes or self.base or not self.composite):
            raise UserError(f"photos={self.photos}: goes with codes= of invert, and not with base=on or composite=off")
        at_least(1, n=self.n, batch=self.batch)
        at_least(0, other_seed=self.other_seed)


def help() -> str:
    usage = [
        "composegan edit classes=hair part=texture key=value ...",
        "composegan edit classes=hair,hat method=copy codes=FILE other=FILE other_pictures=3 key=value ...",
        "composegan edit directions=FOLDER slide=hair.texture.pca0:2,hair.area:-1.5 key=value ...",
    ]
    about = "Write pictures before and after an edit, a heat map of the difference, and how much leaked elsewhere."
    return help_text(usage, about, EditConfig)


def run(arguments: Sequence[str]) -> None:
    """Edit codes of a run or a model; says where it writes and how much leaked."""
    config, folder, model = opened(EditConfig, arguments, "edit")
    from composegan.editing.edit import compare

    codes = config.load_codes(model, config.n)
    if config.slide:
        names, base, after = _slid(config, model, codes)
    else:
        names, base = config.names(model.classes), config.base
        after = _edited(config, model, codes, codes.slots_of(names, config.parts(), base))
    out = Path(config.out).expanduser() if config.out else folder / f"edit-{in_file_name(names)}-{config.method}"
    edited = None if base else names
    photos = _photos(config, model, len(codes)) if config.photos else None
    edit = compare(model, codes, after, edited, composite=config.composite, photos=photos, batch=config.batch)
    print(f"wrote {edit.save(out)}; look at {out / 'sheet.png'}")
    if edit.leakage is not None:
        print(f"{edit.mean_leakage(edit.leakage):.1%} of the model's change is outside {', '.join(names)}")
    if edit.composited_leakage is not None:
        pasted = edit.mean_leakage(edit.composited_leakage)
        print(f"{pasted:.1%} once the edited classes are pasted into the pictures before")


def _edited(config: EditConfig, model, codes, chosen):
    from composegan.editing.edit import resample, scale

    if config.method == "resample":
        return resample(model, codes, chosen, seed=config.other_seed, truncation=config.truncation)
    if config.method in ("add", "remove"):
        return codes.having(**{config.method: config.names(model.classes)})
    if config.method == "scale":
        return scale(model, codes, chosen, config.amount)
    others = CodesChoice(
        codes=config.other, seed=config.other_seed, pictures=config.other_pictures, truncation=config.truncation
    ).load_codes(model, len(codes), "other_")
    if len(others) not in (1, len(codes)):
        raise UserError(
            f"other has {len(others)} pictures for {len(codes)}; say which with other_pictures=, one or {len(codes)}"
        )
    return codes.blend(others, 1.0 if config.method == "copy" else config.amount, chosen)


def _slid(config: EditConfig, model: Model, codes: Codes) -> tuple[list[str], bool, Codes]:
    """The classes that the sliders move, whether the base codes move, too, and the moved codes."""
    from composegan.editing.directions.sliders import parse_sliders
    from composegan.editing.directions.store import Directions

    sliders = parse_sliders(config.slide, Directions.load(Path(config.directions).expanduser(), model))
    for direction, amount in sliders:
        codes = direction.apply(codes, amount)
    targets = [direction.target for direction, _ in sliders]
    names = [name for name in model.classes if any(name in target.classes for target in targets)]
    return names, any(target.base for target in targets), codes


def _photos(config: EditConfig, model: Model, count: int) -> np.ndarray:
    """The photos in order of their names, as `invert` took them: (N, H, W, 3) uint8."""
    import numpy as np

    from composegan.data.photos import PhotoFiles

    height, width = model.generator.height, model.generator.width
    files = PhotoFiles.find(Path(config.photos).expanduser(), None, model.spec, height, width)
    numbers = numbers_in(config.pictures, "pictures") or range(count)
    if max(numbers) >= len(files) or len(numbers) != count:
        raise UserError(f"photos={config.photos}: has {len(files)}, for {count} pictures of codes={config.codes}")
    return np.stack([files.read(files.names[number]).image.transpose(1, 2, 0) for number in numbers])
