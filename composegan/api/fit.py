"""Training from Python: `composegan.fit("faces", recipe="quick", batch=16)`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composegan.api.model import Model, load
from composegan.config.compose import compose, load_config
from composegan.config.extensions import extension_schemas
from composegan.config.merge import flat
from composegan.config.run_folder import CONFIG, require_run
from composegan.config.schema import Config
from composegan.config.settings import settings_of, unknown_key
from composegan.config.values import show
from composegan.errors import Suggests, UserError, as_path
from composegan.io.guarded import JSON, read_text, reading
from composegan.plugin.listing import listing
from composegan.runs import fit as training
from composegan.runs.user_callbacks import callbacks_and_loggers

if TYPE_CHECKING:
    from lightning import Callback
    from lightning.pytorch.loggers import Logger


@dataclass(frozen=True, repr=False)
class Run(Suggests):
    """A run folder. `Run("runs/faces/TIME")` opens one that exists.

    Raises UserError if it is not a run.
    """

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", require_run(as_path("run", self.path)))

    @property
    def config(self) -> Config:
        """Every setting of the run."""
        return load_config(self.path / CONFIG)

    @property
    def metrics(self) -> list[dict[str, float]]:
        """The rows of metrics.csv, oldest first; a row has the columns that were measured at its step."""
        file = self.path / "metrics.csv"
        if not file.exists():
            return []
        with reading(file, "a table of metrics"):
            rows = csv.DictReader(read_text(file, JSON).splitlines())
            return [{key: float(value) for key, value in row.items() if value} for row in rows]

    def model(self, device: str = "cpu") -> Model:
        """The averaged generator, as last saved."""
        return load(self.path, device)

    def resume(
        self, callbacks: Callback | Sequence[Callback] = (), loggers: Logger | Sequence[Logger] = (), **settings: Any
    ) -> Run:
        """Resume from the last checkpoint: `run.resume(images=200_000)`; settings as in `fit`.

        Only settings that do not change what the run computes are allowed. Otherwise as `fit`.
        """
        callbacks, loggers = callbacks_and_loggers(callbacks, loggers)
        return Run(training.resume(self.path, as_arguments(settings), callbacks=callbacks, loggers=loggers))

    def __repr__(self) -> str:
        rows = self.metrics
        return f"Run({self.path}, {int(rows[-1]['images_seen']) if rows else 0:,} images)"


def fit(
    domain: str, callbacks: Callback | Sequence[Callback] = (), loggers: Logger | Sequence[Logger] = (), **settings: Any
) -> Run:
    """Train a model: `fit("faces", recipe="quick", batch=16)`. Returns the run when the last image was shown.

    domain: a registered domain (see `composegan.domains`), or the path of a domain YAML. settings: those of `composegan
    fit --help`, by their last part where it is unique (`batch` is training.batch), by dotted key (`**{"data.root":
    "pets"}`), or by section (`data={"root": "pets"}`). callbacks, loggers: of Lightning, one or
    several, besides the run's own.
    Raises UserError for settings, data or devices that cannot be used; KeyboardInterrupt, after saving, when stopped.
    """
    callbacks, loggers = callbacks_and_loggers(callbacks, loggers)
    composed = compose([f"domain={domain}", *as_arguments(settings)])
    return Run(training.fit(composed, callbacks=callbacks, loggers=loggers))


WHOLE = ("budget.", "adapt.")
"""Settings that are named with their section: `memory=3` would not be read as budget.memory."""
NEEDED = {"data.root": "the demo of the domain", "output.root": "runs/"}
"""Folders that may not be None, as of a script's option that was not given, and what stands without them."""


def as_arguments(settings: Mapping[str, Any]) -> list[str]:
    """Keyword arguments as `key=value` texts with dotted keys, also for settings of the extensions that they name.

    Raises UserError for a key that is unknown, or unique neither by itself nor by its last part.
    """
    values = {key: show(value) for key, value in flat(settings)}
    known = list(settings_of(Config))
    keys = {key: _full_key(key, known) for key in values}
    if not all(keys.values()):
        named = [f"{full}={values[key]}" for key, full in keys.items() if full]
        for prefix, schema in extension_schemas(Config, named):
            known += settings_of(schema, prefix)
        keys = {key: full or _full_key(key, known) for key, full in keys.items()}
    for key, full in keys.items():
        if not full:
            raise UserError(unknown_key(key, known, see="composegan fit --help"))
        if full in NEEDED and not values[key].strip():
            raise UserError(f"{full}=None: must be a folder; leave {full} out for {NEEDED[full]}")
    return [f"{full}={values[key]}" for key, full in keys.items()]


def _full_key(key: str, known: Sequence[str]) -> str:
    """The dotted key that a keyword stands for; "" for none. Raises UserError if there are several."""
    sections = {name.rpartition(".")[0] for name in known}
    if key in known or key.partition(".")[0] in sections:  # the latter also for settings of extensions
        return key
    matches = [name for name in known if name.endswith(f".{key}") and not name.startswith(WHOLE)]
    if len(matches) > 1:
        keys = " or ".join(f"**{{{name!r}: ...}}" for name in matches)
        raise UserError(f"{key}: several settings end in this; write {keys}")
    return "".join(matches)


def domains() -> list[str]:
    """The installed domains that can be used, by name. `composegan domains` also says what is wrong with others."""
    return [found.name for found in listing() if not found.error]
