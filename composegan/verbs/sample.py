"""`composegan sample`: images, masks and codes from a run or a saved model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composegan.config.errors import UserError
from composegan.config.run_folder import newest_run, require_run
from composegan.verbs.help_text import help_text

ABOUT = "draw images and masks from a run or a saved model"


@dataclass
class SampleConfig:
    run: str | None = None  # a run folder; empty: the newest under runs/
    model: str | None = None  # a saved model, instead of a run
    out: str | None = None  # folder to write; empty: samples-seedSEED in the run's or model's folder
    n: int = 16  # how many images
    seed: int = 0  # which ones
    truncation: float = 0.7  # 1: all the variety there is; towards 0: ever closer to the average
    batch: int = 16  # images at a time


def help() -> str:
    usage = ["composegan sample run=PATH key=value ...", "composegan sample model=PATH key=value ..."]
    return help_text(usage, "Write images, coloured masks, their codes (npz) and a contact sheet.", SampleConfig)


def run(arguments: Sequence[str]) -> None:
    """Write samples of a run or a model; says where."""
    from composegan.config.compose import read_arguments

    config = read_arguments(SampleConfig, arguments, see="composegan sample --help")
    _check(config)
    source = _source(config)
    from composegan.editing.sample import sample

    out = Path(config.out).expanduser() if config.out else None
    wrote = sample(source, out, n=config.n, seed=config.seed, truncation=config.truncation, batch=config.batch)
    print(f"wrote {wrote}")


def _check(config: SampleConfig) -> None:
    if config.run and config.model:
        raise UserError("give run= or model=, not both")
    for key, value in (("n", config.n), ("batch", config.batch)):
        if value < 1:
            raise UserError(f"{key}={value}: must be above 0")
    if config.seed < 0:
        raise UserError(f"seed={config.seed}: must be 0 or more")
    if not 0 <= config.truncation <= 1:
        raise UserError(f"truncation={config.truncation}: must be 0 to 1")


def _source(config: SampleConfig) -> Path:
    """The run or model folder to draw from; without either, the newest run, saying which."""
    if config.run:
        return require_run(Path(config.run).expanduser())
    if config.model:
        return Path(config.model).expanduser()
    newest = newest_run(Path("runs"))
    print(f"run={newest} is taken, the newest, as none was given")
    return newest
