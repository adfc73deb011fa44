"""What may be wrong with labelled pictures, in words, from a survey of them. No line rests on a guess from a sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from composegan.data.survey import Survey
from composegan.plugin.domain import DomainSpec, Source

BACKGROUNDS = {"background", "backgrounds", "bg", "back", "void", "unlabeled", "unlabelled", "none", "other", "ignore"}
"""Names of a class that is around the others."""
INVENTED = 0.01
"""Share of pixels that repeat an edge, on average, from which on there is a warning."""
CUT = 0.3
"""Share of a picture that the crop to the aspect ratio removes, on average, from which on there is a warning."""
LOST = 0.05
"""Share of void pixels, on average, from which on there is a warning."""
FEW = 1000
"""Pictures below which a discriminator may come to know all of them, unless they are augmented."""
LISTED = 6


def survey_warnings(survey: Survey, spec: DomainSpec, total: int, height: int, width: int) -> list[str]:
    """Lines about a survey of `total` pictures, each `WHAT: <what may be wrong>; <remedy>`.

    What only all pictures can show is left out unless all of them were surveyed.
    """
    lines = invented_edges(survey) + cut_away(survey, height, width) + lost_pixels(survey)
    if len(survey) == total:
        lines = (shifted_labels(survey, spec) or absent_classes(survey, spec)) + lines
    return lines


def absent_classes(survey: Survey, spec: DomainSpec) -> list[str]:
    """A line about classes that are in no picture, if any."""
    absent = [name for name, count in zip(spec.names, survey.pictures, strict=True) if not count]
    if not absent:
        return []
    return [never_seen(absent, len(survey))]


def never_seen(absent: Sequence[str], pictures: int) -> str:
    """The line about classes that are in none of so many pictures. It does not offer to remove one: that would renumber
    the classes after it."""
    what, them = (f"class {absent[0]}: is", "it") if len(absent) == 1 else (f"classes {in_words(absent)}: are", "them")
    return (
        f"{what} in none of the {pictures:,} pictures and cannot be learned; train with "
        f"training.class_sets=data, which never draws {them}"
    )


def shifted_labels(survey: Survey, spec: DomainSpec) -> list[str]:
    """A line about labels that may be one too low or too high, if only the first or the last class is absent.

    Too low, as where the files do not count the background: the last class is absent, and class 0, which is named as a
    background, is not what is mostly around the others. Too high, as where the files count from 1: class 0 is absent
    and is not named as a background.
    """
    absent = np.flatnonzero(survey.pictures == 0).tolist()
    last, first = len(spec.names) - 1, spec.names[0]
    if last < 2 or absent not in ([0], [last]):
        return []
    meant = f"the label files must hold 0 for {first}, 1 for {spec.names[1]}, and so on"
    named = first.casefold() in BACKGROUNDS
    if absent == [0] and not named:
        return [f"labels: may be one too high: class 0, {first}, is in no picture, and all others are; {meant}"]
    around = spec.names[int(survey.border.sum(axis=0).argmax())]
    if absent == [last] and named and around != first:
        reason = f"{spec.names[last]}, the last class, is in no picture, and {around} is around the others, not {first}"
        return [f"labels: may be one too low: {reason}; {meant}"]
    return []


def invented_edges(survey: Survey) -> list[str]:
    """A line about pictures that repeat the pixels at their edges, if many do."""
    if (share := survey.edges.mean()) < INVENTED:
        return []
    having = f"{(survey.edges > 0).mean():.0%} of the pictures have"
    return [
        f"pictures: {share:.0%} of the pixels repeat the edge of a picture ({having} such streaks), which the model "
        "will learn to draw; crop inside the photos"
    ]


def cut_away(survey: Survey, height: int, width: int) -> list[str]:
    """A line about the aspect ratio, if the crop to it removes much of the pictures."""
    ratio = survey.sizes[:, 1] / survey.sizes[:, 0]
    kept = np.minimum(ratio * height / width, width / (ratio * height))
    if 1 - kept.mean() < CUT:
        return []
    usual = float(np.median(ratio))
    return [
        f"data.height={height} data.width={width}: the crop to this aspect ratio removes {1 - kept.mean():.0%} of the "
        f"average picture; pictures are about {usual:.2f} times as wide as high: choose a size like that"
    ]


def lost_pixels(survey: Survey) -> list[str]:
    """A line about void pixels, if there are many."""
    if (share := survey.void.mean()) < LOST:
        return []
    return [
        f"labels: {share:.0%} of the pixels are void, and take the class of the nearest pixel that has one; if that is "
        "wrong, give their values a class of their own in `ids`"
    ]


def few_pictures(total: int, augment: float | str | None) -> list[str]:
    """A line about a small data set that is not augmented. augment: `training.augment`."""
    if total >= FEW or augment:
        return []
    return [
        f"data.root: {total:,} pictures are few, and the discriminator may come to know all of them; watch "
        "`overfit` (it needs other pictures, in the other split), and from 0.5 on resume with training.augment=adaptive"
    ]


def shared_pictures(
    survey: Survey, source: Source, split: str, other: Survey, other_source: Source, other_split: str
) -> list[str]:
    """A line about pictures that are in both splits, by their pixels, if any."""
    both, here, there = np.intersect1d(survey.prints, other.prints, return_indices=True)
    if not len(both):
        return []
    first = int(here.argmin())
    names = [
        source[int(survey.numbers[here[first]])].name,
        other_source[int(other.numbers[there[first]])].name,
    ]
    count = int(np.isin(other.prints, both).sum())
    return [
        f"data.root: {count:,} of {len(other):,} pictures of {other_split} are also in {split}, such as {names[1]} = "
        f"{names[0]}; remove them from one of the two"
    ]


def in_words(names: Sequence[str]) -> str:
    """The first LISTED names, separated by commas, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")
