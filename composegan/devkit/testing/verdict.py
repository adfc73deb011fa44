"""What a check says: one line that holds, does not hold (with the remedy), or could not be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from composegan.data import Sample
from composegan.devkit.testing.subject import Subject
from composegan.errors import UserError, first_line


@dataclass(frozen=True)
class Verdict:
    """holds: True, False, or None where there was nothing to look at. text: what was found; remedy: what would help."""

    holds: bool | None
    text: str
    remedy: str = ""

    def line(self, check: str) -> str:
        """The verdict as a person reads it: `FAIL  labels: what is wrong; what to do`."""
        word = {True: "ok", False: "FAIL", None: "skip"}[self.holds]
        return " ".join(f"{word:4}  {check}: {self.text}{'; ' * bool(self.remedy)}{self.remedy}".splitlines())


Check = Callable[[Subject], Iterator[Verdict]]
"""Looks at one thing of a domain. Its name is the verdicts'; what it raises is a verdict too."""


def verdicts_of(check: Check, subject: Subject) -> list[Verdict]:
    """All that a check has to say; that it raised is told in the last one."""
    verdicts: list[Verdict] = []
    try:
        for verdict in check(subject):
            verdicts.append(verdict)
    except UserError as error:
        verdicts.append(Verdict(False, str(error)))
    except Exception as error:  # whatever a plugin's code does is its own verdict
        where = _innermost(error)
        verdicts.append(Verdict(False, f"raised {type(error).__name__}: {first_line(error)}", f"see {where}"))
    return verdicts


def nothing_to_read(subject: Subject) -> Iterator[Verdict]:
    """That there are no images to look at, or none that can be read, for the checks that need them."""
    if not subject.openers:
        yield Verdict(None, "has no demo", "give data.root=FOLDER to check its images")
    elif subject.trouble:
        yield Verdict(None, "its images cannot be used", "see what `images` says")


def readable(subject: Subject) -> dict[str, list[Sample]]:
    """The images to look at, by source; none where `nothing_to_read` says so."""
    return {} if subject.trouble else subject.samples


def _innermost(error: BaseException) -> str:
    """File and line where an error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno}" if trace else "its traceback"
