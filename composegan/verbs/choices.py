"""Settings that several verbs share: which model, and which codes to start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from composegan.config.lists import names_in, numbers_in
from composegan.config.run_folder import newest_run, require_run
from composegan.errors import UserError, nearest
from composegan.runtime.ranks import is_first_process

if TYPE_CHECKING:
    from composegan.model.codes import Codes
    from composegan.model.saved_model import Model


@dataclass
class ModelChoice:
    run: str | None = None  # a run folder; empty: the newest under runs/
    model: str | None = None  # a saved model, instead of a run
    delta: str | None = None  # tuned weights that invert wrote: a delta.safetensors, or the folder it is in

    def check(self) -> None:
        """Raises UserError for values that do not go together, before anything heavy is loaded."""
        if self.run and self.model:
            raise UserError("give run= or model=, not both")

    def folder(self) -> Path:
        """The run or model folder that is meant; without either, the newest run, saying which."""
        if self.run:
            return require_run(Path(self.run).expanduser())
        if self.model:
            return Path(self.model).expanduser()
        newest = newest_run(Path("runs"))
        if is_first_process():
            print(f"run={newest} is taken, the newest, as none was given", flush=True)
        return newest

    def load_from(self, folder: Path) -> Model:
        """The model in `folder`, with the tuned weights if there are any, on a GPU where there is one."""
        import torch

        from composegan.model.saved_model import load

        model = load(folder, "cuda" if torch.cuda.is_available() else "cpu")
        return model.with_delta(self.delta) if self.delta else model


@dataclass
class CodesChoice(ModelChoice):
    codes: str | None = None  # codes.npz that sample, edit or invert wrote; empty: drawn from seed
    seed: int = 0  # of drawn codes
    pictures: str = ""  # which of the codes, by number, such as 0,3,5-8; empty: the first ones
    truncation: float = 0.7  # of drawn codes; 1: all the variety there is; towards 0: ever closer to the average

    def check(self) -> None:
        super().check()
        at_least(0, seed=self.seed)
        if not 0 <= self.truncation <= 1:
            raise UserError(f"truncation={self.truncation}: must be 0 to 1")
        numbers_in(self.pictures, "pictures")

    def load_codes(self, model: Model, n: int | None, prefix: str = "") -> Codes:
        """The codes that are meant: those of `pictures`, or the first n (None: one when drawn, all of a file).

        prefix: of the settings' names, where a verb has a second set of them.
        """
        from composegan.model.codes import Codes
        from composegan.model.random_codes import draw_codes

        numbers = numbers_in(self.pictures, f"{prefix}pictures")
        if not self.codes:
            chosen = numbers or range(n or 1)
            return draw_codes(model, seed=self.seed, truncation=self.truncation, pictures=chosen)
        codes = Codes.load(Path(self.codes).expanduser(), model)
        if numbers and max(numbers) >= len(codes):
            where = f"{prefix}pictures={self.pictures}: {self.codes}"
            raise UserError(f"{where} has 0 to {len(codes) - 1} only")
        return codes[numbers] if numbers else codes[:n]


@dataclass
class ClassesChoice:
    classes: str = "all"  # which classes, such as hair,hat; all is every one
    part: str = "both"  # of their codes: shape (outline and place), texture (colour and surface) or both
    base: bool = False  # and the base codes, which all classes share: pose and layout

    def check(self) -> None:
        super().check()
        one_of(("shape", "texture", "both"), part=self.part)
        if not self.classes.strip() and not self.base:
            raise UserError("classes=: which? name some, as in classes=hair,hat")

    def names(self, known: Sequence[str]) -> list[str]:
        """The classes that are meant. Raises UserError offering the nearest name."""
        return names_in(self.classes, known)

    def parts(self) -> tuple[str, ...]:
        """Which of their codes: "shape", "texture"."""
        return ("shape", "texture") if self.part == "both" else (self.part,)


MOST = 1_000_000
"""Pictures, or whatever is counted, at most."""

Choice = TypeVar("Choice", bound=ModelChoice)


def opened(schema: type[Choice], arguments: Sequence[str], verb: str) -> tuple[Choice, Path, Model]:
    """What a verb that uses a model begins with: its checked settings, the model's folder, and the model."""
    from composegan.config.compose import read_arguments

    config = read_arguments(schema, arguments, see=f"composegan {verb} --help")
    config.check()
    folder = config.folder()
    return config, folder, config.load_from(folder)


def at_least(least: float, **values: float) -> None:
    """Raises UserError for a setting below `least`, or for a count (from 1) above MOST."""
    for key, value in values.items():
        if value < least:
            raise UserError(f"{key}={value}: must be {least} or more")
        if least == 1 and value > MOST:
            raise UserError(f"{key}={value}: must be {MOST} or less")


def in_file_name(names: Sequence[str]) -> str:
    """Classes as a part of a file's name: `hair-hat`; what would be a folder in it is none. `base` without any."""
    return "-".join(name.replace("/", "_").replace("\\", "_") for name in names)[:100] or "base"


def one_of(choices: Sequence[str], **values: str) -> None:
    """Raises UserError, offering the nearest, for a setting that is none of `choices`."""
    for key, value in values.items():
        if value not in choices:
            raise UserError(f"{key}={value}: {nearest(value, choices)}")
