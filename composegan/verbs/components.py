"""`composegan components`: a picture put together class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composegan.config.lists import names_in
from composegan.verbs.choices import CodesChoice, at_least, opened
from composegan.verbs.help_text import help_text

ABOUT = "show how pictures are put together, class by class, with pseudo-depth"


@dataclass
class ComponentsConfig(CodesChoice):
    classes: str = "all"  # in the order they are added, such as background,face,hair
    out: str | None = None  # folder to write; empty: components in the run's or model's folder
    n: int = 2  # how many pictures

    def check(self) -> None:
        super().check()
        at_least(1, n=self.n)


def help() -> str:
    usage = ["composegan components run=PATH key=value ...", "composegan components classes=background,hair,face ..."]
    about = "Write a sheet a picture: classes added one after another, their masks and pseudo-depth maps."
    return help_text(usage, about, ComponentsConfig)


def run(arguments: Sequence[str]) -> None:
    """Take pictures of a run or a model apart; says where it writes."""
    config, folder, model = opened(ComponentsConfig, arguments, "components")
    from composegan.editing.components import components

    names = names_in(config.classes, model.classes) or list(model.classes)
    out = Path(config.out).expanduser() if config.out else folder / "components"
    for number, code in enumerate(config.load_codes(model, config.n)):
        components(model, code, names).save(out, number)
    print(f"wrote {out}; look at {out / '00000.png'}")
