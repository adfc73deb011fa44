"""What verbs share: settings that are also the command, its help, and the choice of a model and of codes."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import count as count_from
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from composegan.config.lists import numbers_in
from composegan.config.run_folder import newest_run, require_run
from composegan.config.settings import settings_of
from composegan.errors import UserError
from composegan.io.output import is_occupied
from composegan.model import TRUNCATION
from composegan.plugin.contracts import Verb
from composegan.plugin.fields import choice, number
from composegan.runtime.ranks import is_first_process
from composegan.shipped import model_folder, names

if TYPE_CHECKING:
    from composegan.editing.target import Target
    from composegan.model.codes import Codes
    from composegan.model.sample import Samples
    from composegan.model.saved_model import Model

LARGEST_COUNT = 1_000_000
DOCUMENT = ".composegan"
"""The ending of documents, see `composegan.Session`."""
RESULTS = Path("results")
"""Where verbs write without out=: in the current folder, and never into a run or a saved model."""


def count(default: int, least: int = 1) -> Any:
    """A field for a number of pictures, frames and the like."""
    return number(default, least=least, most=LARGEST_COUNT)


@dataclass
class Command:
    """A verb's settings, a field each with its help text as a comment, and what it does with them."""

    def check(self) -> None:
        """Raise UserError for values that are out of range or contradict each other, before torch is loaded."""

    def execute(self) -> None:
        """Do it, and print what was written."""
        raise NotImplementedError


C = TypeVar("C", bound=Command)
P = TypeVar("P", "Codes", "Samples")


def command(
    settings: type[Command], summary: str, about: str, *usage: str, more: Iterable[str] = (), bare: str = ""
) -> Verb:
    """The verb of a `Command`, named after its module.

    summary: for `composegan --help`; about, more: for the verb's own help; usage: examples, without "composegan NAME";
    bare: the setting that an argument without "=" is for.
    """
    name = settings.__module__.rpartition(".")[2].rstrip("_")

    def run(arguments: Sequence[str]) -> None:
        given = [f"{bare}={text}" if bare and "=" not in text else text for text in arguments]
        read_settings(settings, given, name).execute()

    return Verb(summary, run, help_function(name, usage, about, settings, more))


def read_settings(settings: type[C], arguments: Sequence[str], name: str) -> C:
    """The checked settings that the arguments of the verb `name` give."""
    from composegan.config.compose import read_arguments

    found = read_arguments(settings, arguments, see=f"composegan {name} --help")
    found.check()
    return found


def help_function(
    name: str, usage: Iterable[str], about: str, settings: type | None = None, more: Iterable[str] = ()
) -> Callable[[Sequence[str]], str]:
    """(arguments) -> usage lines, what the verb does, and a line per setting, sections separated by blank lines."""

    def text(arguments: Sequence[str]) -> str:
        lines = [f"{'usage:' if n == 0 else '':7}composegan {name} {line}".rstrip() for n, line in enumerate(usage)]
        lines += ["", about, *more]
        if settings:
            from composegan.config.extensions import extension_schemas

            lines += settings_lines(settings)
            for prefix, schema in extension_schemas(settings, [text for text in arguments if "=" in text]):
                lines += settings_lines(schema, prefix)
        return "\n".join(lines)

    return text


def settings_lines(schema: type, prefix: str = "") -> list[str]:
    """`key=default  type  help` for each setting, in columns, with a blank line before each section."""
    from composegan.config.values import show

    settings = settings_of(schema, prefix).values()
    rows = [(f"{item.key}={show(item.default)}", item.words, item.help) for item in settings]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines: list[str] = []
    for _, section in groupby(rows, key=lambda row: row[0].partition("=")[0].rpartition(".")[0]):
        lines += ["", *(f"  {first:{widths[0]}}  {kind:{widths[1]}}  {text}" for first, kind, text in section)]
    return lines


@dataclass
class WritingOnce(Command):
    """A command that writes something new, over which nothing is written unless that is asked for."""

    overwrite: bool = False  # write over what is in out=

    def new_output(self, out: str | None, default: str, *endings: str) -> Path:
        """The path of what is written: `out`, or without it a name of its own: `default`, or `default-2` and so on.

        endings: of the files that are made, default: a folder. Raises UserError if `out` is there already, unless
        `overwrite`.
        """
        if out:
            path = Path(out).expanduser()
            if is_occupied(path) and not self.overwrite:
                raise UserError(f"out={out}: exists; choose another one, or write over it with overwrite=on")
            return path
        for place in count_from(1):
            path = RESULTS / (default if place == 1 else f"{default}-{place}")
            files = [path.with_name(path.name + ending) for ending in endings] or [path]
            if self.overwrite or not any(map(is_occupied, files)):
                break
        return files[0]

    @contextmanager
    def new_folder(self, path: Path) -> Iterator[Path]:
        """A folder to fill, which is renamed to `path` in the end: nothing is left of a command that was stopped.

        When something is written over, that is in `path` itself.
        """
        from composegan.io.atomic import atomic_folder

        if is_occupied(path):
            yield path
        else:
            with atomic_folder(path) as folder:
                try:
                    yield folder
                except UserError as error:
                    raise UserError(str(error).replace(str(folder), str(path))) from error


@dataclass
class ModelCommand(Command):
    """A command that uses a model."""

    run: str | None = None  # a run folder; empty: the newest under runs/
    model: str | None = None  # a saved model instead, or the name of one that `composegan models` lists
    delta: str | None = None  # tuned weights that invert wrote: a delta.safetensors, or the folder it is in

    def check(self) -> None:
        """Raise UserError if both a run and a model are given."""
        if self.run and self.model:
            raise UserError("give run= or model=, not both")

    @cached_property
    def folder(self) -> Path:
        """The run or model folder, which may be a shipped model's; without either, the newest run, which is printed."""
        if self.run:
            return require_run(Path(self.run).expanduser())
        if self.model:
            if self.model in names() and Path(self.model).is_dir() and is_first_process():
                print(f"model={self.model}: the model that comes with composegan; the folder is model=./{self.model}")
            return model_folder(self.model)
        newest = newest_run(Path("runs"))
        if is_first_process():
            print(f"run={newest}: the newest run, because none was given", flush=True)
        return newest

    def load_model(self) -> Model:
        """The model, with tuned weights if there are any, on a GPU if there is one."""
        import torch

        from composegan.model.saved_model import load

        model: Model = load(self.folder, "cuda" if torch.cuda.is_available() else "cpu")
        return model.with_delta(self.delta) if self.delta else model

    def output(self, out: str | None, default: str) -> Path:
        """Where to write: `out`, or `default` in the folder `RESULTS`."""
        return Path(out).expanduser() if out else RESULTS / default


@dataclass
class WritingCommand(WritingOnce, ModelCommand):
    """A command that uses a model and writes something new."""

    def as_command(self) -> str:
        """The command line with these settings, without those that have their default."""
        from composegan.config.values import show

        given = [(item.name, getattr(self, item.name)) for item in fields(self) if item.name != "overwrite"]
        defaults = {item.name: item.default for item in fields(self)}
        texts = [f"{name}={show(value)}" for name, value in given if value != defaults[name]]
        return shlex.join(["composegan", type(self).__module__.rpartition(".")[2], *texts])


@dataclass
class CodesCommand(WritingCommand):
    """A command that starts from codes."""

    codes: str | None = None  # codes.npz of sample, edit or invert, or a document of the studio; empty: drawn from seed
    seed: int = number(0, least=0)  # seed of drawn codes
    pictures: str = ""  # which of the codes, by number, such as 0,3,5-8; empty: the first ones
    truncation: float = number(TRUNCATION, least=0, most=1)  # variety of drawn codes; 1: full; 0: mean picture

    def check(self) -> None:
        """Raise UserError for a list that cannot be read."""
        super().check()
        numbers_in(self.pictures, "pictures")

    def load_codes(self, model: Model, n: int | None) -> Codes:
        """The codes of `pictures`, or the first n (None: one if drawn, all of a file)."""
        if self.codes and (folder := pasted_in(self.codes)):
            print(
                f"codes={self.codes}: drawn anew; the pictures that the edit was pasted into are in {folder}",
                flush=True,
            )
        codes = codes_of(model, self.codes, self.seed, self.pictures, self.truncation, n)
        self.check_count("n", len(codes))
        return codes

    def check_count(self, name: str, found: int) -> None:
        """Raise UserError if the setting `name`, a number of pictures, was given and is not the number found."""
        default = next(item.default for item in fields(self) if item.name == name)
        if (wanted := getattr(self, name)) not in (default, found):
            raise UserError(f"{name}={wanted}: there are {found} pictures in the codes; leave {name} out")


def pasted_in(codes: str) -> Path | None:
    """The folder of a file of codes, if pictures of an edit are beside it that are more than the codes draw."""
    from composegan.model.codes_file import read_codes

    path = Path(codes).expanduser()
    if path.suffix == DOCUMENT:
        return None
    path = path / "codes.npz" if path.is_dir() else path
    return path.parent if read_codes(path).pasted else None


def codes_of(
    model: Model, file: str | None, seed: int, pictures: str, truncation: float, n: int | None, prefix: str = ""
) -> Codes:
    """Codes from a file, or drawn. prefix: of the settings' names, if the verb has a second set of them."""
    from composegan.model.codes import Codes

    if not file:
        numbers = numbers_in(pictures, f"{prefix}pictures")
        return model.codes(seed=seed, truncation=truncation, pictures=numbers or range(n or 1))
    path = Path(file).expanduser()
    if path.suffix == DOCUMENT and path.is_file():
        from composegan.session.session import Session

        codes = Session.open(path, model).codes
    else:
        codes = Codes.load(path, model)
    if any(delta is not None and delta.base != model.weights for delta in codes.tuned):
        print(
            f"{prefix}codes={file}: the weights tuned to its pictures are another model's and are left out", flush=True
        )
        codes = codes.untuned()
    return pick(codes, file, pictures, n, prefix)


def pick(found: P, file: str, pictures: str, n: int | None, prefix: str = "") -> P:
    """Those of the pictures found in a file that `pictures` names, or the first n."""
    numbers = numbers_in(pictures, f"{prefix}pictures")
    if numbers and max(numbers) >= len(found):
        raise UserError(f"{prefix}pictures={pictures}: {file} has only 0 to {len(found) - 1}")
    return found[numbers] if numbers else found[:n]


@dataclass
class ClassesCommand(WritingCommand):
    """A command that changes the codes of some classes."""

    classes: str = "all"  # which classes, such as hair,hat; all is every one
    part: str = choice("shape", "texture", "both", default="both")  # outline and position; color and surface
    base: bool = False  # change the base codes, which all classes share, as well: pose and layout

    def check(self) -> None:
        """Raise UserError if nothing is named."""
        super().check()
        if not self.classes.strip() and not self.base:
            raise UserError("classes=: name at least one class, or all")

    def target(self, model: Model) -> Target:
        """The codes that are meant. Raises UserError offering the nearest class."""
        from composegan.editing.target import Target

        return Target.of(model, self.classes, self.part, self.base)


def in_file_name(names: Sequence[str]) -> str:
    """Class names as part of a file name: `hair-hat`, without path separators; `base` for none."""
    return "-".join(name.replace("/", "_").replace("\\", "_") for name in names)[:100] or "base"
