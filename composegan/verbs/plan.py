"""`composegan plan`: which classes could share generators, what each plan costs, and which one fits."""

from __future__ import annotations

from collections.abc import Sequence

from composegan.config.arguments import split_arguments
from composegan.config.schema import Config
from composegan.errors import UserError
from composegan.plugin.contracts import Verb
from composegan.verbs.base import help_function


def run(arguments: Sequence[str]) -> None:
    """Print the table, and the plan that `fit` would choose with the same arguments."""
    from composegan.config.values import convert

    given = dict(split_arguments(arguments))
    try:
        measure = convert(given.pop("measure", "off"), bool)
    except ValueError as error:
        raise UserError(f"measure: {error}") from error
    given.setdefault("grouping", "affinity")
    from composegan.config.compose import compose

    composed = compose([f"{key}={value}" for key, value in given.items()])
    for note in composed.notes:
        print(note, flush=True)
    from composegan.planning.table import print_table

    print_table(composed, measure)


verb = Verb(
    "what plans of shared generators cost, and which one fits a budget", run,
    help_function(
        "plan", ["domain=NAME budget.memory=24GB key=value ...", "domain=NAME measure=on"],
        "Print what candidate plans cost, and which one would be chosen.", Config,
        ["Parameters, memory and operations are those of the real networks, run on torch's meta device.",
         "measure=on also runs each plan here, for the memory and the time of a step. Settings are those of fit:"],
    ),
)  # fmt: skip
