"""For authors of plug-ins: the checks of a domain (`composegan check`), as a test class, and the package scaffold.

    from composegan.devkit import DomainConformance

    class TestPets(DomainConformance):
        domain = "pets"

The names below are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from composegan.devkit.checks import CHECKS
    from composegan.devkit.conformance import DomainConformance
    from composegan.devkit.subject import Subject, open_subject
    from composegan.devkit.verdict import Verdict, verdicts_of

__all__ = ["CHECKS", "DomainConformance", "Subject", "Verdict", "open_subject", "verdicts_of"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module in ("checks", "conformance", "subject", "verdict") if name in __all__ else ():
        content = vars(import_module(f"composegan.devkit.{module}"))
        if name in content:
            return content[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
