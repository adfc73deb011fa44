"""What a report means, in one line: which classes can be edited, which are dead, and how far from the real halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from composegan.evaluation.evaluate import Report
from composegan.metrics.figure import Figure
from composegan.plugin.contracts import LOWER

LISTED = 15
"""Names in a list, at most."""
UNDRAWN = "never drawn"


def state_of(numbers: Mapping[str, float | None]) -> str:
    """A class by its columns: "live", "texture only", "shape only", "dead" or "never drawn"; "" if no class was edited.

    Class 0 never has a live shape, and is "live" with its texture; see `states`.
    """
    if "ownership" not in numbers:
        return ""
    if numbers["ownership"] is None:
        return UNDRAWN
    texture, shape = (bool(numbers.get(f"live_{part}")) for part in ("texture", "shape"))
    if texture and shape:
        return "live"
    return "texture only" if texture else "shape only" if shape else "dead"


def states(by_class: Mapping[str, Mapping[str, float | None]]) -> dict[str, str]:
    """`state_of` each class. The first has no shape of its own, so a live texture is all it can have."""
    found = {name: state_of(numbers) for name, numbers in by_class.items()}
    first = next(iter(found), "")
    if found.get(first) == "texture only":
        found[first] = "live"
    return found


def verdict(report: Report) -> str:
    """One line for a reader who knows none of the figures; "" if the report has nothing to say it from."""
    return "; ".join(filter(None, (_classes(report), _leakage(report), _masks(report), _distance(report))))


def _classes(report: Report) -> str:
    found = states(report.by_class)
    if not any(found.values()):
        return ""
    real = {name for name, row in report.by_class.items() if (row.get("presence_real") or 0) > 0}
    considered = {name: state for name, state in found.items() if name in real or state != UNDRAWN}
    live = [
        name if state == "live" else f"{name} ({state})"
        for name, state in considered.items()
        if state not in ("dead", UNDRAWN)
    ]
    parts = ["no class can be edited"]
    if live:
        parts = [f"{len(live)} of {len(considered)} classes can be edited: {_listed(live)}"]
    for state in ("dead", UNDRAWN):
        if names := [name for name, own in considered.items() if own == state]:
            parts.append(f"{state}: {_listed(names)}")
    return "; ".join(parts)


def _leakage(report: Report) -> str:
    parts = [(part, figure) for part in ("texture", "shape") if (figure := _figure(report, f"edit_leakage_{part}"))]
    if not parts:
        return ""
    shares = " and ".join(f"{figure.value:.1%} ({part})" for part, figure in parts)
    floor = parts[0][1].halves
    ideal = f" (a perfect painter: {floor:.1%})" if floor is not None else ""
    return f"{shares} of an edit's change fall outside its class{ideal}"


def _masks(report: Report) -> str:
    figure = _figure(report, "mask_consistency")
    if figure is None:
        return ""
    beside = [f"{name} {value:.2f}" for name, value in figure.beside.items()]
    if figure.halves is not None:
        beside.insert(0, f"real ones {figure.halves:.2f}")
    return f"masks fit their pictures by {figure.value:.2f}" + (f" ({', '.join(beside)})" if beside else "")


def _distance(report: Report) -> str:
    """The first distance with real halves above 0: how many times as far as these the model is."""
    for figure in report.figures:
        if figure.better == LOWER and figure.halves and figure.halves > 0 and figure.real_images:
            times = figure.value / figure.halves
            far = f"{times:.0f}" if times >= 10 else f"{times:.1f}"
            return f"{figure.name} is {far} times that of two real halves"
    return ""


def _figure(report: Report, name: str) -> Figure | None:
    return next((figure for figure in report.figures if figure.name == name), None)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:LISTED])} and {more} more"
