"""Warnings about data that can be read but may not mean what was intended: for the start of `fit`, and for `check`."""

from __future__ import annotations

import re
from typing import Any

from composegan.config.lists import changes_in, names_in
from composegan.config.values import convert
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec, Source

OTHER_SIDE = {"left": "right", "right": "left", "l": "r", "r": "l", "lh": "rh", "rh": "lh"}


def data_warnings(source: Source, spec: DomainSpec, *, flip: bool) -> list[str]:
    """Lines about a source and its classes, each `WHAT: <what may be wrong>; <remedy>`.

    flip: whether images and labels are mirrored at random (`data.flip`).
    """
    return source_warnings(source) + class_warnings(spec, flip=flip)


def class_warnings(spec: DomainSpec, *, flip: bool) -> list[str]:
    """The lines of `data_warnings` about the classes, which need no images."""
    return unsayable_names(spec) + (unmirrored_sides(spec) if flip else [])


def source_warnings(source: Source) -> list[str]:
    """What the files of a source show, from its method `warnings() -> list[str]`, if it has one."""
    warnings = getattr(source, "warnings", None)
    return list(warnings()) if callable(warnings) else []


def unsayable_names(spec: DomainSpec) -> list[str]:
    """A warning about class names that a command line reads as something else, if any."""
    wrong = [name for name in spec.names if not can_be_written(name)]
    if not wrong:
        return []
    shown = ", ".join(map(repr, wrong[:4])) + ", ..." * (len(wrong) > 4)
    reason = "classes=NAME,NAME cannot name them, as in `composegan edit`"
    return [f"class {shown}: {reason}; use letters, digits, - and _ in the YAML of domain {spec.name!r}"]


def can_be_written(name: str) -> bool:
    """Whether a command line can name a class, in classes=NAME,NAME, classes=+NAME and grouping=[[NAME]]."""
    known = [name]
    try:
        text, plan = convert(name, str), convert(f"[[{name}]]", Any)
        named = names_in(text, known), changes_in(text, known)[2], changes_in(f"+{text}", known)[0]
    except (ValueError, UserError):
        return False
    return plan == [known] and all(names == known for names in named)


def unmirrored_sides(spec: DomainSpec) -> list[str]:
    """A warning about pairs of classes that are named as sides and are not in the domain's `mirror`, if any."""
    listed = {spec.index(name) for pair in spec.mirror for name in pair}
    names = {words_of(name): name for label, name in enumerate(spec.names) if label not in listed}
    pairs = [(name, names[_mirrored(words)]) for words, name in names.items() if words < _mirrored(words) in names]
    if not pairs:
        return []
    shown = ", ".join(f"{one}: {two}" for one, two in pairs[:4]) + ", ..." * (len(pairs) > 4)
    remedy = f"add `mirror: {{{shown}}}` to the YAML of domain {spec.name!r}, or leave data.flip off"
    return [
        f"classes {pairs[0][0]} and {pairs[0][1]}: data.flip=on would mirror images without swapping them; {remedy}"
    ]


def words_of(name: str) -> tuple[str, ...]:
    """The words and numbers of a class name, in lower case: `leftEye_2` -> ("left", "eye", "2")."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[^\W\d_][^\W\d_A-Z]*|\d+", name)
    split = (re.fullmatch("(.*?)(left|right)(.*)", part.lower()) for part in parts)
    words = [found.groups() if found else (part.lower(),) for found, part in zip(split, parts, strict=True)]
    return tuple(word for group in words for word in group if word)


def _mirrored(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(OTHER_SIDE.get(word, word) for word in words)
