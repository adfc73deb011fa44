"""`composegan fit`: train a model, or resume a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from composegan.config.arguments import split_arguments
from composegan.config.run_folder import require_run
from composegan.config.schema import Config
from composegan.plugin.contracts import Verb
from composegan.verbs.base import help_function


def run(arguments: Sequence[str]) -> None:
    """Start a run or, with `run=PATH` among the arguments, resume that one."""
    given = dict(split_arguments(arguments))
    if "run" in given:
        folder = Path(given.pop("run")).expanduser()
        require_run(folder)  # before torch is loaded
        from composegan.runs.fit import resume

        resume(folder, [f"{key}={value}" for key, value in given.items()])
        return
    from composegan.config.compose import compose

    composed = compose(arguments)
    from composegan.runs.fit import fit

    fit(composed)


verb = Verb(
    "train a model, or resume a run", run,
    help_function(
        "fit", ["domain=NAME recipe=NAME key=value ...", "run=PATH key=value ..."],
        "Train a model into runs/DOMAIN/TIME, or resume a run that was stopped.", Config,
        ["With run=PATH, only settings that do not change what the run computes: see docs/configuration.md."],
    ),
)  # fmt: skip
