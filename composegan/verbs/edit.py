"""`composegan edit`: change named classes and see what else changes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composegan.config.lists import numbers_in
from composegan.editing import AMOUNT, METHODS, WITH_AMOUNT, check_used
from composegan.errors import UserError
from composegan.plugin.fields import choice, number
from composegan.verbs.base import ClassesCommand, CodesCommand, codes_of, command, count, in_file_name, pasted_in, pick

if TYPE_CHECKING:
    import numpy as np

    from composegan.model.codes import Codes
    from composegan.model.sample import Samples
    from composegan.model.saved_model import Model


@dataclass
class Edit(ClassesCommand, CodesCommand):
    method: str = choice(*METHODS, "slide")  # resample: fresh codes; copy: those of other=
    amount: float | None = None  # scale: 0 mean, 1 unchanged, 2 twice as far; interpolate: 1 the other; empty: 0.5
    other: str | None = None  # codes.npz to copy from or interpolate to; empty: drawn from other_seed
    other_seed: int = number(1, least=0)  # seed of the other codes, and of resampled ones
    other_pictures: str = ""  # which of the other codes, one for all or one for each; empty: the first ones
    slide: str | None = None  # standard deviations to move along directions, as in hair.texture.pca0:2,hair.area:-1.5
    directions: str | None = None  # for slide: the folder that `composegan directions` wrote
    composite: bool = True  # paste the edited classes into the pictures before, so that nothing else changes
    photos: str | None = None  # the photos that codes= were inverted from, to paste the edited classes into them
    force: bool = False  # write an edit that has no effect
    out: str | None = None  # folder to write; empty: edit-CLASSES-METHOD in results/
    n: int = count(4)  # how many pictures
    batch: int = count(16)  # images at a time

    def check(self) -> None:
        if self.slide and self.method == "resample":
            self.method = "slide"
        super().check()
        check_used(self.method, self.amount, self.other)
        if self.method in WITH_AMOUNT and self.amount is None:
            self.amount = AMOUNT
        if [bool(self.slide), bool(self.directions)] != [self.method == "slide"] * 2:
            raise UserError("slide= and directions= go together, and with no other method: what to move, and its file")
        if self.slide and (self.classes, self.part, self.base) != ("all", "both", False):
            raise UserError("classes=, part= and base= do not apply to slide=; each direction has its own")
        if self.photos and (not self.codes or self.base or not self.composite):
            raise UserError(f"photos={self.photos}: needs codes= of invert, and neither base=on nor composite=off")

    def execute(self) -> None:
        model = self.load_model()
        from composegan.editing.edit import compare
        from composegan.editing.no_effect import no_effect
        from composegan.model.sample import codes_of as codes_in

        before = self._before(model)
        codes = codes_in(before)
        names, base, after = self._slide(model, codes) if self.slide else self._edit(model, codes)
        out = self.new_output(self.out, f"edit-{in_file_name(names)}-{self.method}")
        photos = self._read_photos(model, len(codes)) if self.photos else None
        edit = compare(
            model, before, after, None if base else names, composite=self.composite, photos=photos, batch=self.batch,
            about={"command": self.as_command(), "settings": asdict(self), "folder": str(self.folder.absolute())},
        )  # fmt: skip
        reason, notes = no_effect(model, edit, codes, after, self.method)
        if reason and not self.force:
            raise UserError(f"{reason} (force=on writes it all the same)")
        with self.new_folder(out) as folder:
            edit.save(folder, overwrite=True)
        print(f"wrote {out}; look at {out / 'sheet.png'}", *notes, *reason.splitlines(), sep="\n")
        if len(names) == len(model.classes):
            print("all classes were edited, so no change is outside them; classes= names fewer")
            return
        if (leakage := edit.mean_leakage()) is not None:
            print(f"{leakage:.1%} of the model's change is outside {', '.join(names)}")
            print(f"{edit.mean_leakage(beyond_margin=True):.1%} is farther than {edit.margin} px away")
        if (pasted := edit.mean_leakage(composited=True)) is not None:
            print(f"{pasted:.1%} once the edited classes are pasted into the pictures before")

    def _before(self, model: Model) -> Codes | Samples:
        """The codes; or, if an edit wrote them, with the pictures that it showed, from which this edit continues."""
        folder = pasted_in(self.codes) if self.codes else None
        if not folder or self.base or not self.composite:
            return self.load_codes(model, self.n)
        from composegan.model.sample import Samples

        if self.photos:
            raise UserError(
                f"photos={self.photos}: the edit in codes={self.codes} was pasted already; leave photos= out"
            )
        found = pick(Samples.load(folder, model), str(self.codes), self.pictures, self.n)
        self.check_count("n", len(found))
        return found

    def _edit(self, model: Model, codes: Codes) -> tuple[tuple[str, ...], bool, Codes]:
        """The edited classes, whether the base codes change, and the codes after."""
        from composegan.editing.edit import edit_codes

        target, other = self.target(model), None
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

    def _read_photos(self, model: Model, count: int) -> np.ndarray:
        """The photos in order of their names, as `invert` read them: (N, H, W, 3) uint8."""
        import numpy as np

        from composegan.data.photos import PhotoFiles

        folder = Path(self.photos or "").expanduser()
        files = PhotoFiles.find(folder, None, model.spec, model.generator.height, model.generator.width)
        numbers = numbers_in(self.pictures, "pictures") or range(count)
        if max(numbers) >= len(files) or len(numbers) != count:
            raise UserError(
                f"photos={self.photos}: has {len(files)}, for {count} pictures of codes={self.codes}; write pictures="
            )
        return np.stack([files.read(files.names[number]).image.transpose(1, 2, 0) for number in numbers])


verb = command(
    Edit, "change shape or texture of named classes; shows where the picture changed",
    "Write pictures before and after an edit, a heat map of the difference, and how much leaked elsewhere.",
    "classes=hair part=texture key=value ...",
    "classes=hair,hat method=copy codes=FILE other=FILE other_pictures=3 key=value ...",
    "directions=FOLDER slide=hair.texture.pca0:2,hair.area:-1.5 key=value ...",
)  # fmt: skip
