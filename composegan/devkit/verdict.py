"""The result of a check: one line that it holds, that it fails (with a remedy), or that it was skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from traceback import extract_tb

from composegan.devkit.subject import Reading, Subject
from composegan.errors import UserError, first_line


@dataclass(frozen=True)
class Verdict:
    """holds: True, False, or None where there was nothing to check. text: what was found; remedy: how to fix it.

    warning: reports something that may be intended, and neither holds nor fails.
    """

    holds: bool | None
    text: str
    remedy: str = ""
    warning: bool = False

    def line(self, check: str) -> str:
        """The verdict as it is printed: `FAIL  labels: what is wrong; what to do`."""
        word = "warn" if self.warning else {True: "ok", False: "FAIL", None: "skip"}[self.holds]
        return " ".join(f"{word:4}  {check}: {self.text}{'; ' * bool(self.remedy)}{self.remedy}".splitlines())


Check = Callable[[Subject], Iterator[Verdict]]
"""Checks one property of a domain, under the function's name. An exception that it raises becomes a failed verdict."""


def verdicts_of(check: Check, subject: Subject) -> list[Verdict]:
    """All verdicts of a check; an exception is the last one."""
    verdicts: list[Verdict] = []
    try:
        for verdict in check(subject):
            verdicts.append(verdict)
    except UserError as error:
        verdicts.append(Verdict(False, str(error)))
    except Exception as error:  # a plug-in's code may raise anything
        last = extract_tb(error.__traceback__)[-1]
        text = f"raised {type(error).__name__}: {first_line(error)}"
        verdicts.append(Verdict(False, text, f"see {last.filename}, line {last.lineno}"))
    return verdicts


def for_each_source(check: Callable[[Subject, str, Reading], Iterator[Verdict]]) -> Check:
    """Decorate a check of (subject, source name, what was read of it): one skipped verdict without images."""

    @wraps(check)
    def check_sources(subject: Subject) -> Iterator[Verdict]:
        if not subject.openers:
            yield Verdict(None, "has no demo", "give data.root=FOLDER to check its images")
        elif subject.error:
            yield Verdict(None, "some images cannot be used", "see `images`")
        else:
            for name, reading in subject.readings.items():
                yield from check(subject, name, reading)

    return check_sources
