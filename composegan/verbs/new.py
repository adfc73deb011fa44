"""`composegan new`: a package for a domain of one's own, ready to install, or a YAML for label files that exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composegan.errors import UserError
from composegan.verbs.base import Command, command


@dataclass
class New(Command):
    name: str = ""  # name of the domain: a-z, 0-9 and _
    classes: str = ""  # classes in the order of their label values, such as background,cat,dog; with labels= optional
    labels: str = ""  # folder of label files, or DIR/*_L.png: write a YAML with their values, instead of a package
    background: str = ""  # class to list first, behind all others; off: that of the lowest label; empty: see below
    out: str = ""  # what to write; empty: the folder composegan-NAME or, with labels=, the file NAME.yaml

    def execute(self) -> None:
        from composegan.devkit.scaffold import check_name, read_classes, write_package

        name = check_name(self.name)
        if self.labels:
            self._propose(name, read_classes(self.classes) if self.classes else [])
            return
        classes = read_classes(self.classes)
        out = Path(self.out or f"composegan-{name.replace('_', '-')}").expanduser()
        write_package(name, classes, out, self.background or "off")
        print(f"wrote {out}; labels: {', '.join(f'{label} {item}' for label, item in enumerate(classes))}")
        print(f"next: pip install -e {out} && composegan check {name} && composegan fit domain={name}")
        print(f"or, without installing it: composegan fit domain={name} plugin_path={out}")

    def _propose(self, name: str, classes: Sequence[str]) -> None:
        from composegan.devkit.label_survey import find_partners, label_files, survey_labels
        from composegan.devkit.label_yaml import propose_yaml
        from composegan.io.atomic import atomic_file

        out = Path(self.out or f"{name}.yaml").expanduser()
        if out.exists():
            raise UserError(f"out={out}: already exists; choose another file with out=FILE.yaml, or remove it")
        folder, files = label_files(Path(self.labels).expanduser())
        found, partners = survey_labels(folder, files), find_partners(folder, files)
        text = propose_yaml(name, found, partners, classes, self.background)
        with atomic_file(out) as temporary:
            temporary.write_text(text, encoding="utf-8")
        read = f"{found.read:,} of {found.total:,} label files"
        print(f"wrote {out}: {len(found.values)} label values in {read}, of which none is shifted; give them names")
        if partners is None:
            print(f"no images with the names of {folder} were found; write their folder under `images` in {out}")
        root = partners.root if partners else folder.parent
        print(f"next: composegan check ./{out} data.root={root} && composegan fit domain=./{out} data.root={root}")


verb = command(
    New, "write a package or a YAML for a domain of your own",
    "Write an installable package: classes, how images are read, a drawn demo, a test. See docs/plugins.md.",
    "NAME classes=CLASS,CLASS,... out=DIR", "NAME labels=DIR out=FILE.yaml", bare="name",
    more=["With labels=DIR, write a YAML with the values of the label files in DIR.",
          "Label values are never shifted, whichever class is listed first: background=NAME, or background=off for the",
          "class of the lowest label. By default that one, too, and with labels=DIR the class in most files."],
)  # fmt: skip
