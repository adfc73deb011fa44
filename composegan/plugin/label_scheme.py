"""How a folder of labelled images is laid out and what its label files mean, as a domain's YAML says it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from composegan.errors import UserError, nearest

VOID = 255
"""In a label map that is being read: a pixel without a class. There are at most 255 classes, 0..254."""
VOID_NAME = "void"
SPLITS = ("train", "validation")

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class LabelScheme:
    """The keys `images`, `labels` and `ids` of a domain's YAML. Empty: the plain layout and class indices.

    images, labels: by split, or by "" for all, a folder below data.root, or a pattern of files in it and below it, in
    which `*` is the name that an image and its labels share (`trainannot/*_L.png`).
    ids: label value, or color (red, green, blue), -> class index or VOID.
    colored: whether the classes' colors are those of label files; false: some were made up.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[int | Rgb, int] = field(default_factory=dict)
    colored: bool = True

    @property
    def numbers(self) -> dict[int, int]:
        """The part of `ids` that is about label values."""
        return {key: index for key, index in self.ids.items() if isinstance(key, int)}

    @property
    def colors(self) -> dict[Rgb, int]:
        """The part of `ids` that is about colors."""
        return {key: index for key, index in self.ids.items() if not isinstance(key, int)}

    @property
    def reads_indices(self) -> bool:
        """Whether the indices of a palette file count and not its colors."""
        return bool(self.numbers) or not (self.colored or self.ids)


def read_ids(value: Any, names: Sequence[str], where: str) -> dict[int | Rgb, int]:
    """`ids` of a YAML file: lines `VALUE: CLASS` or `VALUE: void`. VALUE: a whole number from 0, or "#rrggbb".

    Raises UserError for anything else, and for a class that does not exist.
    """
    if not isinstance(value, dict):
        raise UserError(f"{where}: lines such as `5: {names[0]}` or `255: {VOID_NAME}` needed, found {str(value)[:40]}")
    found: dict[int | Rgb, int] = {}
    for key, name in value.items():
        label = _color(key) if isinstance(key, str) else key
        if label is None or type(label) not in (int, tuple) or (type(label) is int and not 0 <= label < 2**32):
            raise UserError(f'{where}: {str(key)[:40]!r} is no label value; use a whole number from 0, or "#rrggbb"')
        if label in found:
            raise UserError(f"{where}: {key} is given twice; remove one")
        if name == VOID_NAME and name not in names:
            found[label] = VOID
        elif name in names:
            found[label] = names.index(name)
        else:
            raise UserError(f"{where}: {key}: no class {str(name)[:40]!r}; {nearest(str(name), [*names, VOID_NAME])}")
    return found


def write_ids(ids: Mapping[int | Rgb, int], names: Sequence[str]) -> dict[str, str]:
    """`ids` for JSON, with text as keys; `read_ids` reads it back with `numbered`."""
    keys = {key: str(key) if isinstance(key, int) else "#{:02x}{:02x}{:02x}".format(*key) for key in ids}
    return {keys[key]: VOID_NAME if index == VOID else names[index] for key, index in ids.items()}


def numbered(value: Any) -> Any:
    """A mapping from JSON with keys that are numbers as numbers; other values unchanged."""
    return (
        {int(key) if key.isdecimal() else key: name for key, name in value.items()}
        if isinstance(value, dict)
        else value
    )


def _color(text: str) -> Rgb | None:
    found = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text.strip())
    return (int(found[1], 16), int(found[2], 16), int(found[3], 16)) if found else None


def read_places(value: Any, where: str) -> dict[str, str]:
    """`images` or `labels` of a YAML file: a folder or pattern, or one for each split.

    Raises UserError for an unknown split, an absolute path, and more than one `*`.
    """
    places = value if isinstance(value, dict) else {"": value}
    for split, text in places.items():
        if split and split not in SPLITS:
            raise UserError(f"{where}: unknown split {str(split)[:40]!r}; {nearest(str(split), SPLITS)}")
        at = f"{where}: {split}" if split else where
        if not isinstance(text, str) or not text.strip():
            raise UserError(f"{at}: is {str(text)[:40]!r}; a folder or a pattern such as labels/*_L.png is needed")
        parts = text.strip("/").split("/")
        if text.startswith(("/", "~")) or ".." in parts or "*" in "/".join(parts[:-1]) or parts[-1].count("*") > 1:
            raise UserError(
                f"{at}: is {text[:80]!r}; a folder below data.root is needed, with one * at most, in the file's name"
            )
    return {split: text.strip("/") for split, text in places.items()}
