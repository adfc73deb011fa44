"""`composegan check`: whether a domain meets the contract, one result per line."""

from __future__ import annotations

from dataclasses import dataclass, field

from composegan.config.schema import DataConfig
from composegan.errors import UserError
from composegan.verbs.base import Command, command


@dataclass
class Check(Command):
    domain: str = ""  # a registered domain (see `composegan domains`), or a path to a domain YAML
    plugin_path: str | None = None  # folder of a plug-in that is not installed, such as a checkout; empty: none
    data: DataConfig = field(default_factory=lambda: DataConfig(height=64, width=64, demo_count=16))

    def execute(self) -> None:
        """Print a verdict per line. Raises UserError, after the last, if one fails."""
        from composegan.config.validate import validate_data

        validate_data(self.data)
        from composegan.devkit import CHECKS, open_subject, verdicts_of

        subject = open_subject(self.domain, self.data, self.plugin_path)
        failed = total = 0
        for check in CHECKS:
            for verdict in verdicts_of(check, subject):
                print(verdict.line(check.__name__), flush=True)
                total += verdict.holds is not None
                failed += verdict.holds is False
            if subject.found.plugin is None:
                break
        if failed:
            raise UserError(f"domain {self.domain!r}: {failed} of {total} checks failed; each names its remedy")
        print(f"domain {self.domain!r}: all {total} checks passed")


verb = command(
    Check, "check a domain: classes, images, determinism, workers, a training step",
    "Check a domain, one result per line: ok, FAIL with its remedy, warn, or skip where there is nothing to check.",
    "NAME", "FILE.yaml data.root=PATH", bare="domain",
    more=["data.demo_count images of each demo are checked; of data.root 100, or data.demo_count if that is more,",
          "spread evenly over it. Exit status 2: some fail."],
)  # fmt: skip
