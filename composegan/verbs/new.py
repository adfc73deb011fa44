"""`composegan new`: a package for a domain of one's own, ready to install."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composegan.verbs.base import Command, command


@dataclass
class New(Command):
    name: str = ""  # name of the domain: a-z, 0-9 and _
    classes: str = ""  # classes of the domain in label order, such as background,cat,dog: 0 is background
    out: str = ""  # folder to write; empty: composegan-NAME

    def execute(self) -> None:
        from composegan.devkit.scaffold import check_name, read_classes, write_package

        name, classes = check_name(self.name), read_classes(self.classes)
        out = write_package(name, classes, Path(self.out or f"composegan-{name.replace('_', '-')}").expanduser())
        print(f"wrote {out}; labels: {', '.join(f'{label} {item}' for label, item in enumerate(classes))}")
        print(f"next: pip install -e {out} && composegan check {name} && composegan fit domain={name}")
        print(f"or, without installing it: composegan fit domain={name} plugin_path={out}")


verb = command(
    New, "write a package for a domain of your own, ready to install",
    "Write an installable package: classes, how images are read, a drawn demo, a test. See docs/plugins.md.",
    "NAME classes=CLASS,CLASS,... out=DIR", bare="name",
)  # fmt: skip
