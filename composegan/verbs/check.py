"""`composegan check`: whether a domain holds what the core counts on, one verdict a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from composegan.config.schema import DataConfig
from composegan.errors import UserError
from composegan.verbs.help_text import help_text

ABOUT = "check a domain: classes, images, determinism, workers, a training step"


def _small_data() -> DataConfig:
    return DataConfig(height=64, width=64, demo_count=16)


@dataclass
class CheckConfig:
    domain: str = ""  # a registered domain (see `composegan domains`), or a path to a domain YAML
    plugin_path: str | None = None  # folder of a plugin that is not installed, such as a checkout; empty: none
    data: DataConfig = field(default_factory=_small_data)


def help() -> str:
    usage = ["composegan check NAME", "composegan check FILE.yaml data.root=PATH"]
    about = "Check a domain, one verdict a line: ok, FAIL with its remedy, or skip where there is nothing to look at."
    more = ["data.demo_count images of each demo, and of data.root if given, are looked at. Exit status 2: some fail."]
    return help_text(usage, about, CheckConfig, more)


def run(arguments: Sequence[str]) -> None:
    """Print a verdict a line. Raises UserError, after the last, when one does not hold."""
    from composegan.config.compose import read_arguments
    from composegan.config.validate import validate_data

    if arguments and "=" not in arguments[0]:
        arguments = [f"domain={arguments[0]}", *arguments[1:]]
    config = read_arguments(CheckConfig, arguments, see="composegan check --help")
    validate_data(config.data)
    from composegan.devkit import CHECKS, open_subject, verdicts_of

    subject = open_subject(config.domain, config.data, config.plugin_path)
    failed = total = 0
    for check in CHECKS:
        for verdict in verdicts_of(check, subject):
            print(verdict.line(check.__name__), flush=True)
            total += verdict.holds is not None
            failed += verdict.holds is False
        if subject.found.plugin is None:
            break
    if failed:
        raise UserError(
            f"domain {config.domain!r}: {failed} of {total} verdicts do not hold; each says what would help"
        )
    print(f"domain {config.domain!r}: all {total} verdicts hold")
