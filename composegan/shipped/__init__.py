"""The trained models that come with the package: a folder each, beside this file. Standard library only.

A folder has `config.json` and `model.safetensors`, as `Model.save` writes them, and `card.md`: data, command, figures,
licence, intended use and limits. `python -m benchmarks.ship` makes one from a run. The folders are only read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from composegan.errors import UserError, nearest
from composegan.io.guarded import TEXT, read_json, read_text, reading

HOME = Path(__file__).parent
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "card.md"

LARGEST = 8_000_000
"""Largest size of a shipped model's files together, in bytes."""


@dataclass(frozen=True)
class ShippedModel:
    """A model that comes with the package, without its weights; `composegan.load(name)` loads it.

    parameters: trained numbers in the generator; bytes: of its files; images_seen: in training; summary: what it draws,
    in a few words.
    """

    name: str
    folder: Path
    domain: str
    height: int
    width: int
    classes: tuple[str, ...]
    parameters: int
    bytes: int
    images_seen: int
    summary: str

    @property
    def card(self) -> str:
        """Its card, in Markdown: data, command, figures, licence, intended use and limits."""
        with reading(self.folder / CARD):
            return read_text(self.folder / CARD)


def names() -> list[str]:
    """The names of the shipped models, sorted."""
    return sorted(path.parent.name for path in HOME.glob(f"*/{CONFIG}"))


def models() -> dict[str, ShippedModel]:
    """The models that come with the package, by name. `composegan.load(name)` loads one.

    Raises UserError naming the file if an installation is damaged.
    """
    return {name: read_model(HOME / name) for name in names()}


def model_named(name: str) -> ShippedModel:
    """The shipped model `name`. Raises UserError for an unknown name: offers the nearest, and lists all."""
    if name not in names():
        raise UserError(f"{name}: composegan comes with no model of that name; {_offer(name)}")
    return read_model(HOME / name)


def is_name(text: str) -> bool:
    """Whether `text` names a model rather than a path: it has no separator and begins with neither ~ nor a dot."""
    return bool(text) and text == os.path.basename(text) and text[0] not in "~."


def model_folder(text: str) -> Path:
    """The folder that `model=TEXT` stands for: that of the shipped model of this name, or else the path TEXT.

    A folder with the name of a shipped model is given as a path, `./faces`.
    Raises UserError if a name is neither a shipped model's nor a file's: offers the nearest, and lists all.
    """
    if text in names():
        return HOME / text
    path = Path(text).expanduser()
    if is_name(text) and not path.exists():
        raise UserError(
            f"{text}: is not a saved model (no such folder), and none of that name comes with composegan; "
            f"{_offer(text)}"
        )
    return path


def read_model(folder: Path) -> ShippedModel:
    """What the files of a shipped model say about it. Raises UserError naming the file that cannot be read."""
    with reading(folder / CONFIG, "a model's configuration"):
        facts = read_json(folder / CONFIG, TEXT)
        generator, about = facts["generator"], facts["about"]
        return ShippedModel(
            name=folder.name,
            folder=folder,
            domain=facts["domain"],
            height=generator["height"],
            width=generator["width"],
            classes=tuple(item["name"] for item in facts["classes"]),
            parameters=about["parameters"],
            bytes=sum(path.stat().st_size for path in folder.iterdir()),
            images_seen=about["images_seen"],
            summary=about["summary"],
        )


def _offer(name: str) -> str:
    """The nearest of the names, and all of them."""
    known, offer = names(), nearest(name, names())
    return offer if offer.startswith("there are") else f"{offer} there are: {', '.join(known)}"
