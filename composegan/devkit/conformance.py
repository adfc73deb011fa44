"""The checks as a pytest class, for the tests of a plug-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from composegan.config.schema import DataConfig
from composegan.devkit.checks import CHECKS
from composegan.devkit.subject import Subject, open_subject
from composegan.devkit.verdict import Check, verdicts_of


class DomainConformance:
    """One test for each check of `composegan check`. Subclass it as `Test...` and set `domain`.

    domain: a registered name, or the path of a domain YAML. data: settings such as `DataConfig(root="data/pets",
    height=64, width=64)`; None: 16 images of the demo. plugin_path: the folder of a plug-in that is not installed.
    """

    domain: ClassVar[str] = ""
    data: ClassVar[DataConfig | None] = None
    plugin_path: ClassVar[str | None] = None
    _subject: ClassVar[Subject]

    @classmethod
    def subject(cls) -> Subject:
        """The domain under test, opened once per class."""
        if "_subject" not in cls.__dict__:
            cls._subject = open_subject(cls.domain, cls.data, cls.plugin_path)
        return cls._subject


def _test_of(check: Check) -> Callable[[DomainConformance], None]:
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
