"""`composegan sample`: images, masks and codes from a run or a saved model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composegan.config.lists import changes_in
from composegan.verbs.choices import CodesChoice, at_least, opened
from composegan.verbs.help_text import help_text

ABOUT = "draw images and masks from a run or a saved model"


@dataclass
class SampleConfig(CodesChoice):
    mean: bool = False  # the mean picture instead
    classes: str = ""  # what each picture has: +hat,-eyeglass changes its own classes; hair,face: no others
    out: str | None = None  # folder to write; empty: samples-seedSEED in the run's or model's folder
    n: int = 16  # how many images
    batch: int = 16  # images at a time

    def check(self) -> None:
        super().check()
        at_least(1, n=self.n, batch=self.batch)


def help() -> str:
    usage = [
        "composegan sample run=PATH key=value ...",
        "composegan sample model=PATH key=value ...",
        "composegan sample model=PATH codes=FILE key=value ...",
        "composegan sample model=PATH classes=+hat,-eyeglass key=value ...",
    ]
    return help_text(usage, "Write images, coloured masks, their codes (npz) and a contact sheet.", SampleConfig)


def run(arguments: Sequence[str]) -> None:
    """Write samples of a run or a model; says where."""
    config, folder, model = opened(SampleConfig, arguments, "sample")
    from composegan.model.random_codes import mean_codes

    codes = mean_codes(model) if config.mean else config.load_codes(model, config.n)
    add, remove, only = changes_in(config.classes, model.classes)
    codes = codes.having(add, remove, only)
    name = "mean" if config.mean else Path(config.codes).stem if config.codes else f"seed{config.seed}"
    name += f"-{config.classes}" if config.classes else ""
    out = Path(config.out).expanduser() if config.out else folder / f"samples-{name}"
    print(f"wrote {model.draw(codes, config.batch).save(out)}")
