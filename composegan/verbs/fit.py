"""`composegan fit`: train a model, or continue a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from composegan.config.arguments import split_arguments
from composegan.config.run_folder import require_run
from composegan.config.schema import Config
from composegan.runtime.ranks import is_first_process
from composegan.verbs.help_text import help_text

ABOUT = "train a model, or continue a run"


def help() -> str:
    usage = ["composegan fit domain=NAME recipe=NAME key=value ...", "composegan fit run=PATH key=value ..."]
    more = ["With run=PATH only what leaves the run the same may be given: see docs/configuration.md."]
    return help_text(usage, "Train a model into runs/DOMAIN/TIME, or continue a run that was stopped.", Config, more)


def run(arguments: Sequence[str]) -> None:
    """Start a run, or with `run=PATH` among the arguments continue that one.

    Says which recipe is taken; `composegan.runs.fit` says where it writes.
    """
    given = dict(split_arguments(arguments))
    if "run" in given:
        folder = Path(given.pop("run")).expanduser()
        require_run(folder)  # before torch is loaded, so that a mistake is told at once
        from composegan.runs.fit import resume

        resume(folder, [f"{key}={value}" for key, value in given.items()])
        return
    from composegan.config.compose import compose
    from composegan.runtime.console import print_line

    composed = compose(arguments)
    if is_first_process() and composed.notes:
        print_line(*composed.notes)
    from composegan.runs.fit import fit

    fit(composed)
