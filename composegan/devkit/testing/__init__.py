"""For authors of plugins: what a domain must hold. `composegan check NAME` says it, a test class proves it:

from composegan.devkit.testing import DomainConformance

class TestPets(DomainConformance):
    domain = "pets"
"""

from __future__ import annotations

from composegan.devkit.testing.checks import CHECKS
from composegan.devkit.testing.conformance import DomainConformance
from composegan.devkit.testing.subject import Subject, open_subject
from composegan.devkit.testing.verdict import Verdict, verdicts_of

__all__ = ["CHECKS", "DomainConformance", "Subject", "Verdict", "open_subject", "verdicts_of"]
