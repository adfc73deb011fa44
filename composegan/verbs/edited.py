"""What `edit` and `paint` share: pictures before, photos to paste into, and the folder of the edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composegan.config.lists import numbers_in
from composegan.errors import UserError
from composegan.verbs.base import CodesCommand, count, pasted_in, pick

if TYPE_CHECKING:
    from composegan.data.framing import Framed
    from composegan.editing.edit import Edit, Region
    from composegan.model.codes import Codes
    from composegan.model.sample import Samples
    from composegan.model.saved_model import Model


@dataclass
class EditedCommand(CodesCommand):
    """A command that shows pictures before and after."""

    composite: bool = True  # paste what was edited into the pictures before, so that nothing else changes
    photos: str | None = None  # those that codes= were inverted from, to paste the edit into them at their own size
    force: bool = False  # write an edit that has no effect
    out: str | None = None  # folder to write; empty: a name of its own in results/
    n: int = count(4)  # how many pictures
    batch: int = count(16)  # images at a time

    def check(self) -> None:
        super().check()
        if self.photos and (not self.codes or not self.composite):
            raise UserError(f"photos={self.photos}: needs codes= of invert, and neither base=on nor composite=off")

    def before(self, model: Model, anew: bool = False) -> Codes | Samples:
        """The codes; or, if an edit wrote them, with the pictures that it showed, from which this edit continues.

        anew: draw them in any case.
        """
        folder = pasted_in(self.codes) if self.codes else None
        if not folder or anew or not self.composite:
            return self.load_codes(model, self.n)
        from composegan.model.sample import Samples

        if self.photos:
            raise UserError(
                f"photos={self.photos}: the edit in codes={self.codes} was pasted already; leave photos= out"
            )
        found = pick(Samples.load(folder, model), str(self.codes), self.pictures, self.n)
        self.check_count("n", len(found))
        return found

    def finish(
        self,
        model: Model,
        before: Codes | Samples,
        after: Codes,
        classes: Sequence[str] | None,
        default: str,
        *,
        method: str = "",
        region: Region = "classes",
        notes: Callable[[Edit], list[str]] = lambda edit: [],
    ) -> None:
        """Draw, measure, write and report the edit.

        classes: those edited, None: all, because base codes changed; default: name of its folder; region: see
        `compare`; notes: more lines to print. Raises UserError for an edit without effect, unless it is forced.
        """
        from composegan.editing.edit import compare
        from composegan.editing.no_effect import no_effect
        from composegan.model.sample import codes_of

        out = self.new_output(self.out, default)
        photos = self.read_photos(model, len(after)) if self.photos else None
        about = {"command": self.as_command(), "settings": asdict(self), "folder": str(self.folder.absolute())}
        edit = compare(
            model, before, after, classes, composite=self.composite, region=region, photos=photos,
            batch=self.batch, about=about,
        )  # fmt: skip
        reason, idle = no_effect(model, edit, codes_of(before), after, method)
        if reason and not self.force:
            raise UserError(f"{reason} (force=on writes it all the same)")
        with self.new_folder(out) as folder:
            edit.save(folder, overwrite=True)
        print(f"wrote {out}; look at {out / 'sheet.png'}", *idle, *reason.splitlines(), *notes(edit), sep="\n")
        for photo in edit.after.photos[:1]:
            height, width = photo.pixels.shape[:2]
            print(f"the edit in the photo itself, {width}x{height}: {out / 'after' / 'photos'}")
        if classes is not None and len(classes) == len(model.classes) and region != "changed":
            print("all classes were edited, so no change is outside them; classes= names fewer")
            return
        what = "the pixels whose class changed" if region == "changed" else ", ".join(edit.classes)
        if (leakage := edit.mean_leakage()) is not None:
            print(f"{leakage:.1%} of the model's change is outside {what}")
            print(f"{edit.mean_leakage(beyond_margin=True):.1%} is farther than {edit.margin} px away")
        if (pasted := edit.mean_leakage(composited=True)) is not None:
            pasted_what = "these pixels" if region == "changed" else "the edited classes"
            print(f"{pasted:.1%} once {pasted_what} are pasted into the pictures before")

    def read_photos(self, model: Model, count: int) -> list[Framed]:
        """The photos that the codes were inverted from, each with the frame that `invert` took of it.

        They are found by the names that the codes' folder records, or else taken in order of their names, with the
        central frame. Raises UserError for another number or size.
        """
        from composegan.data.framing import Frame, Framed
        from composegan.data.photos import PhotoFiles
        from composegan.data.rgb import read_image
        from composegan.editing.inversion_folder import frames_in

        folder = Path(self.photos or "").expanduser()
        files = PhotoFiles.find(folder, None, model.spec, model.generator.height, model.generator.width)
        frames = frames_in(Path(self.codes or "").expanduser())
        numbers = list(numbers_in(self.pictures, "pictures") or range(count))
        names = list(files.names)
        recorded = list(frames) if (frames and set(frames) <= set(names)) or len(frames) == len(names) == 1 else names
        if len(numbers) != count or max(numbers) >= len(recorded):
            raise UserError(
                f"photos={self.photos}: has {len(files)}, for {count} pictures of codes={self.codes}; write pictures="
            )
        photos = []
        for recorded_name in (recorded[number] for number in numbers):
            name = recorded_name if recorded_name in files.photos else names[0]  # one photo under another name
            pixels = read_image(files.photos[name])
            size = pixels.shape[1:]
            frame, wanted = frames.get(recorded_name, (Frame.central(pixels, files.height, files.width), size))
            if size != wanted:
                raise UserError(
                    f"photos={files.photos[name]}: is {size[1]}x{size[0]} pixels, but {wanted[1]}x{wanted[0]} in "
                    f"codes={self.codes}; give the photo that was inverted"
                )
            photos.append(Framed(name, pixels.transpose(1, 2, 0), frame))
        return photos
