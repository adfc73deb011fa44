"""A session: one picture of a model, edited step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self

from composegan.editing.directions.direction import Direction
from composegan.editing.directions.store import Directions
from composegan.editing.layers import Layers, layers
from composegan.errors import UserError, as_path, whole_number
from composegan.io.atomic import writing
from composegan.io.output import check_file, check_folder
from composegan.model.codes import Codes
from composegan.model.sample import Sample, Samples, codes_of
from composegan.model.saved_model import Model
from composegan.session.apply import apply, classes_of, mask_of, only_where_painted, sparing
from composegan.session.document import MOST, Document, homeless, read_document, write_document
from composegan.session.label_png import png_of
from composegan.session.render import commands, mask_name, python
from composegan.session.request import Request, picture_of
from composegan.shipped import HOME

KEPT = 100
"""Codes of the latest steps that are kept, so that undo need not apply all requests again."""


class Session:
    """One picture with its history: `Session(model, picture=7).do({"recolor": {"classes": "hair", "color": "teal"}})`.

    The picture is a function of the first codes and the requests: drawn from the codes as by `model.draw`, one picture
    at a time, with nothing pasted. model: as loaded; start: `{"seed": 0, "picture": 7}`, or empty if it began with
    codes; locked: names of classes that requests may not change; directions: those that slide requests name.
    """

    def __init__(
        self, model: Model, picture: int = 0, seed: int = 0, *, codes: Codes | Sample | Samples | None = None
    ) -> None:
        """Begin with a random picture by number and seed, or with codes (or a sample) of one picture.

        Raises UserError for codes of several pictures or of another model.
        """
        self.model, self.locked, self.directions = model, set[str](), Directions.of(model)
        self.start: dict[str, int] = {}
        if codes is None:
            self.start = picture_of({"seed": seed, "picture": picture}, "start")
            first = model.codes(pictures=[self.start["picture"]], seed=self.start["seed"])
        else:
            first = codes_of(codes).clone()
            if len(first) != 1:
                raise UserError(f"codes: {len(first)} pictures given; choose one, as in codes[0]")
            model.draw(first)  # codes of another model
        self._requests: list[Request] = []
        self._position = 0
        self._codes = {0: first}  # by number of requests that are applied
        self._drawn: tuple[int, Sample] | None = None

    @property
    def history(self) -> tuple[Request, ...]:
        """The requests that made the picture, oldest first; those that were undone are not among them."""
        return tuple(self._requests[: self._position])

    @property
    def undone(self) -> tuple[Request, ...]:
        """The requests that `redo` would apply, next first."""
        return tuple(self._requests[self._position :])

    @property
    def codes(self) -> Codes:
        """The codes of the picture: one row."""
        return self._at(self._position)

    def codes_at(self, step: int) -> Codes:
        """The codes after the first `step` requests of the history. Raises UserError if there are fewer."""
        step = whole_number("step", step)
        if step > self._position:
            raise UserError(f"step={step}: there are {self._position} steps")
        return self._at(step)

    @property
    def picture(self) -> Sample:
        """The picture with its mask, labels and codes."""
        if self._drawn is None or self._drawn[0] != self._position:
            self._drawn = self._position, self.model.draw(self.codes)[0]
        return self._drawn[1]

    @property
    def original(self) -> Sample:
        """The picture that the session began with."""
        return self.model.draw(self._at(0))[0]

    def layers(self) -> Layers:
        """The picture as layers. Raises UserError for a model without layers, see `Model.layers`."""
        return layers(self.model, self.codes)

    def preview(self, request: Any, instead: bool = False) -> Sample:
        """The picture after a request, which is not recorded. instead: of the last request, as of `do`."""
        base = self._base(instead)
        return self.model.draw(self._after(self._ready(request, base), base))[0]

    def do(self, request: Any, instead: bool = False) -> Sample:
        """Apply a request, such as `{"move": {"classes": ["hair"], "dx": 4}}`, and return the picture.

        instead: undo the last request first, as when a slider moves on. What was undone before cannot be redone any
        more. Raises UserError for a request that cannot be applied and for locked classes; nothing has changed then.
        """
        base = self._base(instead)
        ready = self._ready(request, base)
        codes = self._after(ready, base)
        if base >= MOST:
            raise UserError(f"the history has {MOST:,} steps; save the picture and begin a new session with it")
        del self._requests[base:]
        for place in [place for place in self._codes if place > base or 0 < place <= base - KEPT]:
            del self._codes[place]
        self._requests.append(ready)
        self._position, self._codes[base + 1], self._drawn = base + 1, codes, None
        return self.picture

    def undo(self) -> bool:
        """Go back by one request. Returns whether there was one."""
        self._position, before = max(0, self._position - 1), self._position
        return self._position != before

    def redo(self) -> bool:
        """Apply the request that was undone last. Returns whether there was one."""
        self._position, before = min(len(self._requests), self._position + 1), self._position
        return self._position != before

    def lock(self, classes: str | Iterable[str], locked: bool = True) -> None:
        """Protect classes from requests that would change them, or permit them again."""
        names = self.codes.names(classes)
        self.locked = self.locked | set(names) if locked else self.locked - set(names)

    def add_direction(self, direction: Direction) -> None:
        """Keep a direction in the document, for slide requests that name it."""
        self.directions = self.directions + Directions.of(self.model, [direction])

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a document: the first codes, all requests, locks, directions and the model's fingerprint.

        overwrite: also replace a file that holds anything but a document of this model. Raises UserError for such a
        file otherwise, and if writing fails.
        """
        path = as_path("path", path)
        check_file(path, lambda file: read_document(file, self.model), overwrite)
        used = {request.given["direction"] for request in self._requests if request.verb == "slide"}
        directions = Directions.of(self.model, [item for item in self.directions if item.name in used])
        codes = None if self.start else self._at(0)
        document = Document(
            self.start, tuple(self._requests), self._position, tuple(sorted(self.locked)), codes, directions
        )
        return write_document(path, document, self.model)

    @classmethod
    def open(cls, path: str | PathLike[str], model: Model) -> Self:
        """Read what `save` wrote. The picture is the same, bit for bit, on the same machine.

        Raises UserError for a file that is missing, damaged or no document, for another model, and for requests that
        cannot be applied.
        """
        path = as_path("path", path)
        document = read_document(path, model)
        session = cls(model, **document.start, codes=document.codes)
        session.locked, session.directions = set(document.locked), document.directions
        session._requests = list(document.requests)
        for number in range(len(session._requests)):
            session._at(number + 1)
        session._position = document.position
        return session

    def commands(self) -> list[str]:
        """The command line for each step, the first draws the picture to begin with; see `save_script`."""
        return commands(self._address, self._start, self.history)

    def python(self) -> str:
        """The same as a Python script."""
        return python(self._address, self._start, self.history)

    def save_script(self, folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write commands.sh, script.py and the files that they read, to be run within the folder.

        overwrite: also write into a folder that holds anything but such a script. Raises UserError otherwise.
        """
        folder = as_path("folder", folder)
        own = ("commands.sh", "script.py")
        check_folder(folder, own, ("mask-*.png", "codes.npz", "codes-*", "directions", "step-*", "drawn"), overwrite)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "commands.sh").write_text("\n".join(self.commands()) + "\n", encoding="utf-8")
            (folder / "script.py").write_text(self.python(), encoding="utf-8")
            for number, request in enumerate(self.history, 1):
                if request.verb == "paint":
                    (folder / mask_name(number)).write_bytes(png_of(mask_of(self.model, request)))
            if not self.start:
                homeless(self._at(0)).write(folder / "codes.npz")
            if any(request.verb == "slide" for request in self.history):
                self.directions.save(folder / "directions", overwrite=True)
        return folder

    def __repr__(self) -> str:
        return f"Session({self.model.domain}, {self._position} steps, {len(self.undone)} undone)"

    @property
    def _start(self) -> Mapping[str, Any]:
        return self.start or {"codes": "codes.npz"}

    @property
    def _address(self) -> str:
        """The name or folder of the model."""
        folder = self.model.folder
        return "MODEL" if folder is None else folder.name if folder.parent == HOME else str(folder)

    def _base(self, instead: bool) -> int:
        return max(0, self._position - 1) if instead else self._position

    def _ready(self, request: Any, base: int) -> Request:
        """The request, checked against locks. A painting keeps the pixels of locked classes, and classes that it
        brings into the picture appear only where they are painted."""
        ready = Request.of(request)
        locked = self.locked.intersection(classes_of(self.model, ready, self.directions)) if self.locked else set()
        if locked:
            raise UserError(f"{', '.join(sorted(locked))}: locked; unlock before changing it")
        if ready.verb != "paint":
            return ready
        codes = self._at(base)
        labels = self.picture.labels if base == self._position else self.model.draw(codes).labels[0]
        ready = sparing(self.model, ready, labels, self.locked) if self.locked else ready
        return only_where_painted(self.model, codes, ready, labels)

    def _after(self, request: Request, base: int) -> Codes:
        return apply(self.model, self._at(base), request, self.directions)

    def _at(self, position: int) -> Codes:
        """The codes after so many requests, from the nearest kept ones before."""
        known = max(place for place in self._codes if place <= position)
        codes = self._codes[known]
        for number in range(known, position):
            codes = apply(self.model, codes, self._requests[number], self.directions)
        self._codes[position] = codes
        return codes
