"""The checks as a pytest class that a plugin's test inherits."""

from __future__ import annotations

from typing import ClassVar

from composegan.config.schema import DataConfig
from composegan.devkit.testing.checks import CHECKS
from composegan.devkit.testing.subject import Subject, open_subject
from composegan.devkit.testing.verdict import Check, verdicts_of


class DomainConformance:
    """One test for each check of `composegan check`. A subclass whose name begins with `Test` says which domain.

    domain: a registered name, or the path of a domain YAML. data: settings such as `DataConfig(root="data/pets",
    height=64, width=64)`; None: 16 images of the demo. plugin_path: the folder of a plugin that is not installed.
    """

    domain: ClassVar[str] = ""
    data: ClassVar[DataConfig | None] = None
    plugin_path: ClassVar[str | None] = None

    @classmethod
    def subject(cls) -> Subject:
        """The domain under test, opened once for the class."""
        if "_subject" not in cls.__dict__:
            cls._subject = open_subject(cls.domain, cls.data, cls.plugin_path)
        return cls._subject


def _test_of(check: Check):
    def test(self: DomainConformance) -> None:
        import pytest

        verdicts = verdicts_of(check, self.subject())
        wrong = [verdict.line(check.__name__) for verdict in verdicts if verdict.holds is False]
        if wrong:
            pytest.fail("\n".join(wrong), pytrace=False)
        if all(verdict.holds is None for verdict in verdicts):
            pytest.skip("\n".join(verdict.line(check.__name__) for verdict in verdicts))

    test.__doc__ = check.__doc__
    return test


for _check in CHECKS:
    setattr(DomainConformance, f"test_{_check.__name__}", _test_of(_check))
