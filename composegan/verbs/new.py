"""`composegan new`: a package for a domain of one's own, ready to install."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composegan.verbs.help_text import help_text

ABOUT = "write a package for a domain of your own, ready to install"


@dataclass
class NewConfig:
    name: str = ""  # of the domain: a-z, 0-9 and _
    classes: str = ""  # its classes, such as cat,dog,grass; the background comes first by itself
    out: str = ""  # folder to write; empty: composegan-NAME


def help() -> str:
    usage = ["composegan new NAME classes=CLASS,CLASS,... out=DIR"]
    about = (
        "Write an installable package: classes, how images are read, a drawn demo, a test. docs/plugins.md tells more."
    )
    return help_text(usage, about, NewConfig)


def run(arguments: Sequence[str]) -> None:
    """Write the package; says where, and what to do with it."""
    from composegan.config.compose import read_arguments
    from composegan.devkit.scaffold import check_name, read_classes, write_package

    if arguments and "=" not in arguments[0]:
        arguments = [f"name={arguments[0]}", *arguments[1:]]
    config = read_arguments(NewConfig, arguments, see="composegan new --help")
    name, classes = check_name(config.name), read_classes(config.classes)
    out = write_package(name, classes, Path(config.out or f"composegan-{name.replace('_', '-')}").expanduser())
    print(f"wrote {out}\nnext: pip install -e {out} && composegan check {name} && composegan fit domain={name}")
    print(f"or, without installing it: composegan fit domain={name} plugin_path={out}")
