"""The checks, in the order they are made. `composegan check` and `DomainConformance` both go through `CHECKS`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from math import dist

import numpy as np

from composegan.config.compose import compose
from composegan.data import Sample
from composegan.devkit.testing.licence import licence_of
from composegan.devkit.testing.step import step
from composegan.devkit.testing.subject import Subject
from composegan.devkit.testing.verdict import Check, Verdict, nothing_to_read, readable
from composegan.devkit.testing.workers import workers
from composegan.errors import UserError
from composegan.plugin.domain import API_VERSION
from composegan.plugin.recipes import find_recipe, recipes_of

APART = 10
"""Colours that are closer than this (Euclidean distance, 0..441) cannot be told apart in a picture of masks."""

RESERVED = ("all",)
"""Names that a command line reads as something else, as in `classes=all`."""


def contract(subject: Subject) -> Iterator[Verdict]:
    """It can be loaded, and is made for this version of the contract."""
    found = subject.found
    if found.plugin is None:
        yield Verdict(False, f"{found.distribution}: {found.error}")
        return
    where = f"{found.distribution} {found.version}".strip()
    same = found.plugin.api == API_VERSION
    remedy = "" if same else f"set api to {API_VERSION}, once the plugin follows docs/plugins.md"
    yield Verdict(same, f"version {found.plugin.api}, of {where}", remedy)


def vocabulary(subject: Subject) -> Iterator[Verdict]:
    """Class names are unique and can be written on a command line; the first class can stand behind all others."""
    classes, wrong = subject.spec.classes, False
    folded = Counter(item.name.casefold() for item in classes)
    for item in classes:
        where, name = f"in {subject.home}", repr(item.name)
        if folded[item.name.casefold()] > 1:
            wrong = True
            yield Verdict(
                False, f"class name {name} is there more than once, but for upper case", f"rename one {where}"
            )
        elif item.name in RESERVED or not re.fullmatch(r"\w([\w .'-]*\w)?", item.name):
            wrong = True
            yield Verdict(
                False,
                f"class name {name} cannot be written in classes=NAME,NAME",
                f"use letters, digits, - and _ {where}",
            )
    if classes[0].transparent:
        wrong = True
        yield Verdict(
            False,
            f"class 0, {classes[0].name!r}, is transparent, but fills what is behind the others",
            f"put an opaque class first in {subject.home}",
        )
    if not wrong:
        yield Verdict(
            True, f"{len(classes)} classes, {', '.join(subject.spec.names[:6])}{', ...' * (len(classes) > 6)}"
        )


def colours(subject: Subject) -> Iterator[Verdict]:
    """No two classes have colours that look the same."""
    pairs = list(combinations(subject.spec.classes, 2))
    close = [(one, two) for one, two in pairs if dist(one.color, two.color) < APART]
    for one, two in close[:8]:
        text = f"{one.name} {list(one.color)} and {two.name} {list(two.color)} look the same"
        yield Verdict(False, text, f"choose colours at least {APART} apart in {subject.home}")
    if not close:
        nearest = f", the nearest two {min(dist(one.color, two.color) for one, two in pairs):.0f} apart" * bool(pairs)
        yield Verdict(True, f"all different{nearest}")


def recipes(subject: Subject) -> Iterator[Verdict]:
    """Every recipe, the common ones too, gives a configuration that can be trained with."""
    find_recipe(subject.spec)  # the default one
    names, wrong = list(recipes_of(subject.spec)), False
    extra = [f"plugin_path={subject.plugin_path}"] if subject.plugin_path else []
    for name in names:
        try:
            compose([f"domain={subject.domain}", f"recipe={name}", *extra])
        except UserError as error:
            wrong = True
            yield Verdict(False, str(error), f"mend recipe {name!r} in {subject.home}")
    if not wrong:
        yield Verdict(True, f"{', '.join(names)}")


def credits(subject: Subject) -> Iterator[Verdict]:
    """Somebody who is shown what the demo draws can learn who drew it, and under which licence."""
    if not (subject.plugin.demo or subject.plugin.demos):
        yield Verdict(None, "draws nothing, so there is nobody to credit")
        return
    stated = "; ".join(map(str, subject.spec.credits)) or licence_of(subject.found.distribution, subject.plugin_path)
    remedy = f"add `credits: [who drew it, under which licence]` to {subject.home}, or a licence to pyproject.toml"
    yield Verdict(
        bool(stated), stated[:100] or "neither the domain nor its package names a licence", "" if stated else remedy
    )


def images(subject: Subject) -> Iterator[Verdict]:
    """Images and labels are uint8, of one size, and every label is a class."""
    if subject.trouble:
        raise subject.trouble
    yield from nothing_to_read(subject)
    for name, samples in subject.samples.items():
        sizes = {sample.labels.shape for sample in samples}
        shown = ", ".join(f"{height}x{width}" for height, width in sorted(sizes)[:3]) + ", ..." * (len(sizes) > 3)
        yield Verdict(True, f"{name}: {len(samples)} looked at, {shown}, labels 0 to {_highest(samples)}")
        if name != "data.root":
            yield from _drawn_as_asked(subject, name)


def presence(subject: Subject) -> Iterator[Verdict]:
    """Every class that is not optional is in at least one of the images looked at."""
    yield from nothing_to_read(subject)
    for name, samples in readable(subject).items():
        seen = set(np.unique(np.concatenate([np.unique(sample.labels) for sample in samples])).tolist())
        missing = [
            item.name for label, item in enumerate(subject.spec.classes) if label not in seen and not item.optional
        ]
        remedy = f"mark it `optional: true` in {subject.home} where images may lack it, or mend its labels"
        if missing:
            yield Verdict(False, f"{name}: {', '.join(missing[:5])}: in none of {len(samples)} images", remedy)
        else:
            yield Verdict(True, f"{name}: {len(seen)} of {len(subject.spec.classes)} classes in {len(samples)} images")


def determinism(subject: Subject) -> Iterator[Verdict]:
    """The same index gives the same image, whatever was read before; of drawings, another seed gives another."""
    yield from nothing_to_read(subject)
    for name, samples in readable(subject).items():
        fresh, other = subject.again(name), None
        backwards = all(_same(fresh[index], samples[index]) for index in reversed(range(len(samples))))
        if not backwards:
            remedy = "make each a function of (seed, index) alone, as with numpy.random.default_rng([seed, index])"
            yield Verdict(False, f"{name}: reading an image again gives another one", remedy)
            continue
        if name != "data.root":
            other = subject.again(name, demo_seed=subject.data.demo_seed + 1)
            pictures = [*samples, *(other[index] for index in range(len(other)))]
            if len({sample.image.tobytes() for sample in pictures}) < len(pictures) / 2:
                yield Verdict(False, f"{name}: other indices or seeds draw the same", "draw from both seed and index")
                continue
        yield Verdict(True, f"{name}: the same again" + (", others for another seed" if other else ""))


CHECKS: tuple[Check, ...] = (
    contract, vocabulary, colours, recipes, credits, images, presence, determinism, workers, step,
)  # fmt: skip
"""Every check there is. Where `contract` does not hold, the others have nothing to look at."""


def _drawn_as_asked(subject: Subject, name: str) -> Iterator[Verdict]:
    """A demo draws as many as it is asked for, at the size it is asked for, also where that is no square."""
    count, height, width = 2, subject.data.height // 2, subject.data.width
    source = subject.again(name, demo_count=count, height=height, width=width)
    shape = source[count - 1].labels.shape
    fits = len(source) == count and shape == (height, width)
    text = f"{name}: asked for {count} of {height}x{width}: {len(source)} of {shape[0]}x{shape[1]}"
    yield Verdict(fits, text, "" if fits else "draw (count, height, width, seed) as asked, height before width")


def _highest(samples: list[Sample]) -> int:
    return max(int(sample.labels.max()) for sample in samples)


def _same(one: Sample, two: Sample) -> bool:
    return one.image.tobytes() == two.image.tobytes() and one.labels.tobytes() == two.labels.tobytes()
