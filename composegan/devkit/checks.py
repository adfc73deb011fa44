"""The checks of a domain, in order. `composegan check` and `DomainConformance` both run `CHECKS`."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from itertools import combinations
from math import dist
from pathlib import Path

from composegan.config.compose import compose, is_path
from composegan.data.findings import invented_edges
from composegan.data.survey import survey_at_hand
from composegan.data.warnings import can_be_written, class_warnings, source_warnings
from composegan.devkit.subject import Reading, Subject, digest
from composegan.devkit.training_step import step
from composegan.devkit.verdict import Check, Verdict, for_each_source
from composegan.devkit.workers import workers
from composegan.errors import UserError
from composegan.plugin.domain import API_VERSION
from composegan.plugin.recipes import find_recipe, recipes_of

APART = 10
"""Colors closer than this (Euclidean distance, 0..441) cannot be told apart in a picture of masks."""


def contract(subject: Subject) -> Iterator[Verdict]:
    """The plug-in loads and follows this version of the contract."""
    found = subject.found
    if found.plugin is None:
        where = "" if is_path(subject.domain) else f"{found.distribution}: "  # an error of a file names it
        yield Verdict(False, f"{where}{found.error}")
        return
    same = found.plugin.api == API_VERSION
    remedy = "" if same else f"follow docs/plugins.md, then set api to {API_VERSION}"
    yield Verdict(same, f"version {found.plugin.api}, of {f'{found.distribution} {found.version}'.strip()}", remedy)


def vocabulary(subject: Subject) -> Iterator[Verdict]:
    """Class names are unique and can be written on a command line; the first class is opaque."""
    classes, home = subject.spec.classes, subject.home
    folded = Counter(item.name.casefold() for item in classes)
    wrong = []
    for item in classes:
        if folded[item.name.casefold()] > 1:
            text = f"class name {item.name!r} occurs more than once, ignoring upper case"
            wrong.append(Verdict(False, text, f"rename one in {home}"))
        elif not can_be_written(item.name):
            text = f"class name {item.name!r} cannot be written in classes=NAME,NAME"
            wrong.append(Verdict(False, text, f"use letters, digits, - and _ in {home}"))
    if classes[0].transparent:
        text = f"class 0, {classes[0].name!r}, is transparent, but fills what is behind the others"
        wrong.append(Verdict(False, text, f"put an opaque class first in {home}"))
    listed = f"{len(classes)} classes, {', '.join(subject.spec.names[:6])}{', ...' * (len(classes) > 6)}"
    yield from wrong or [Verdict(True, listed)]


def colors(subject: Subject) -> Iterator[Verdict]:
    """No two classes have colors that look the same."""
    pairs = list(combinations(subject.spec.classes, 2))
    close = [(one, two) for one, two in pairs if dist(one.color, two.color) < APART]
    for one, two in close[:8]:
        text = f"{one.name} {list(one.color)} and {two.name} {list(two.color)} look the same"
        yield Verdict(False, text, f"choose colors at least {APART} apart in {subject.home}")
    if not close:
        smallest = min((dist(one.color, two.color) for one, two in pairs), default=0)
        yield Verdict(True, f"all different, the nearest two {smallest:.0f} apart" if pairs else "only one")


def recipes(subject: Subject) -> Iterator[Verdict]:
    """Every recipe, including the common ones, composes to a valid configuration."""
    find_recipe(subject.spec)  # the default one
    names, wrong = list(recipes_of(subject.spec)), []
    extra = [f"plugin_path={subject.plugin_path}"] if subject.plugin_path else []
    for name in names:
        try:
            compose([f"domain={subject.domain}", f"recipe={name}", *extra])
        except UserError as error:
            wrong.append(Verdict(False, str(error), f"fix recipe {name!r} in {subject.home}"))
    yield from wrong or [Verdict(True, ", ".join(names))]


def credits(subject: Subject) -> Iterator[Verdict]:
    """The author and licence of what the demo draws are stated."""
    if not (subject.plugin.demo or subject.plugin.demos):
        yield Verdict(None, "draws nothing, so there is nothing to credit")
        return
    stated = "; ".join(map(str, subject.spec.credits)) or licence_of(subject.found.distribution, subject.plugin_path)
    if stated:
        yield Verdict(True, stated[:100])
    else:
        remedy = f"add `credits: [author, licence]` to {subject.home}, or a licence to pyproject.toml"
        yield Verdict(False, "neither the domain nor its package names a licence", remedy)


@for_each_source
def _sizes(subject: Subject, name: str, reading: Reading) -> Iterator[Verdict]:
    sizes = {item.shape for item in reading.seen}
    shown = ", ".join(f"{height}x{width}" for height, width in sorted(sizes)[:3]) + ", ..." * (len(sizes) > 3)
    highest = max(max(item.labels) for item in reading.seen)
    yield Verdict(True, f"{name}: {reading.count:,} of {reading.size:,} read, {shown}, labels 0 to {highest}")
    if name == "data.root":
        return
    count, height, width = 2, subject.data.height // 2, subject.data.width  # not square
    source = subject.reopen(name, demo_count=count, height=height, width=width)
    shape = source[count - 1].labels.shape
    fits = len(source) == count and shape == (height, width)
    text = f"{name}: asked for {count} of {height}x{width}, drew {len(source)} of {shape[0]}x{shape[1]}"
    yield Verdict(fits, text, "" if fits else "draw (count, height, width, seed) as asked, height before width")


def images(subject: Subject) -> Iterator[Verdict]:
    """Images and labels are uint8 of one size, every label is a class, and a demo has the size that was asked for."""
    if subject.error:
        raise subject.error
    yield from _sizes(subject)


@for_each_source
def presence(subject: Subject, name: str, reading: Reading) -> Iterator[Verdict]:
    """Every class that is not optional is in at least one of the images read."""
    seen = frozenset[int]().union(*(item.labels for item in reading.seen))
    classes = subject.spec.classes
    missing = [item.name for label, item in enumerate(classes) if label not in seen and not item.optional]
    if missing:
        remedy = f"mark it `optional: true` in {subject.home} where images may lack it, or fix its labels"
        if len(classes) > 2 and seen == set(range(len(classes) - 1)):  # as after a class was added before the others
            remedy = f"are all labels one too low? 0 is {classes[0].name}, 1 {classes[1].name}, ...; if not, {remedy}"
        yield Verdict(False, f"{name}: {', '.join(missing[:5])}: in none of {reading.count} images", remedy)
    else:
        yield Verdict(True, f"{name}: {len(seen)} of {len(classes)} classes in {reading.count} images")


def warnings(subject: Subject) -> Iterator[Verdict]:
    """What the files or the classes may not mean as intended; warnings fail nothing."""
    lines = class_warnings(subject.spec, flip=True)
    yield from (Verdict(None, line, warning=True) for line in lines)
    try:
        sources = subject.sources
    except Exception:  # `images` reports it
        sources = {}
    more = [f"{name}: {line}" for name, source in sources.items() for line in source_warnings(source)]
    if not subject.error and (root := sources.get("data.root")) is not None:
        found = survey_at_hand(root, len(subject.spec.classes), subject.data.height, subject.data.width, None)
        more += [f"data.root: {line}" for line in invented_edges(found)] if found else []
    yield from (Verdict(None, line, warning=True) for line in more)
    if not lines + more:
        yield Verdict(True, "none")


@for_each_source
def determinism(subject: Subject, name: str, reading: Reading) -> Iterator[Verdict]:
    """An index always gives the same image, in whatever order it is read; another seed draws other images."""
    fresh = subject.reopen(name)
    if not all(digest(fresh[item.index]) == item.digest for item in reversed(reading.seen)):
        remedy = "make each a function of (seed, index) alone, as with numpy.random.default_rng([seed, index])"
        yield Verdict(False, f"{name}: reading an image again gives a different one", remedy)
    elif name == "data.root":
        yield Verdict(True, f"{name}: reading again gives the same images")
    else:
        other = subject.reopen(name, demo_seed=subject.data.demo_seed + 1)
        drawn = [*(item.digest for item in reading.seen), *(digest(other[index]) for index in range(len(other)))]
        if len(set(drawn)) < len(drawn) / 2:
            yield Verdict(False, f"{name}: other indices or seeds draw the same", "draw from both seed and index")
        else:
            yield Verdict(True, f"{name}: drawing again gives the same images, another seed gives others")


CHECKS: tuple[Check, ...] = (
    contract, vocabulary, colors, recipes, credits, images, presence, warnings, determinism, workers, step,
)  # fmt: skip
"""All checks. When `contract` fails, the others have nothing to check."""


def licence_of(distribution: str, plugin_path: str | None = None) -> str:
    """The licence in a package's metadata or, when it is not installed, in its pyproject.toml; "" if it states none."""
    if plugin_path:
        project = Path(plugin_path).expanduser() / "pyproject.toml"
        content = tomllib.loads(project.read_text(encoding="utf-8")) if project.is_file() else {}
        return str(content.get("project", {}).get("license", ""))
    try:
        about = metadata(distribution)
    except PackageNotFoundError:
        return ""
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    stated = [*(about[key] for key in ("License-Expression", "License") if key in about), *classifiers]
    # The first line: older packages put the licence's whole text there.
    return next((line.splitlines()[0][:80] for line in stated if line and line != "UNKNOWN"), "")
