"""`composegan look`: labelled pictures as training sees them, a table of their classes, and what may be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from composegan.config.arguments import split_arguments
from composegan.config.schema import Config
from composegan.plugin.contracts import Verb
from composegan.verbs.base import WritingOnce, help_function, in_file_name, read_settings


@dataclass
class Output(WritingOnce):
    out: str | None = None  # folder to write; empty: look-DOMAIN in results/


@dataclass
class Look(Config, Output):
    """The settings of `fit`, and where to write."""


def run(arguments: Sequence[str]) -> None:
    """Print the table and the warnings, and write the sheet and the table."""
    given, own = split_arguments(arguments), {item.name for item in fields(Output)}
    output = read_settings(Output, [f"{key}={value}" for key, value in given if key in own], "look")
    from composegan.config.compose import compose

    composed = compose([f"{key}={value}" for key, value in given if key not in own])
    config, name = composed.config, composed.plugin.spec.name
    out = output.new_output(output.out, f"look-{in_file_name([name])}")
    from composegan.data.look import look

    found = look(composed.plugin, config.data, augment=config.training.augment)
    with output.new_folder(out) as folder:
        found.write(folder)
    print("\n".join(found.lines()))
    for note in (line for line in composed.notes if line.startswith("warning: ")):
        print(note)
    for line in found.warnings:
        print(f"warning: {line}")
    print(f"wrote {out}; look at {out / 'look.png'}")


verb = Verb(
    "look at labelled images before training: a sheet, a table of classes, warnings", run,
    help_function(
        "look", ["domain=NAME data.root=PATH out=DIR key=value ..."],
        "Show images and labels as fit would see them, count the classes, and warn about what may be wrong.", Look,
        ["Give the same arguments as to fit: the recipe decides the size. Written are look.png and look.csv."],
    ),
)  # fmt: skip
