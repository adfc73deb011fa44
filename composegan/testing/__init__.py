"""For authors of plugins: what a domain must hold. `composegan check NAME` says it, a test class proves it:

from composegan.testing import DomainConformance

class TestPets(DomainConformance):
    domain = "pets"
"""

from __future__ import annotations

from composegan.testing.checks import CHECKS
from composegan.testing.conformance import DomainConformance
from composegan.testing.subject import Subject, open_subject
from composegan.testing.verdict import Verdict, verdicts_of

__all__ = ["CHECKS", "DomainConformance", "Subject", "Verdict", "open_subject", "verdicts_of"]
