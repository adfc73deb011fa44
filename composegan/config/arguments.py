"""Command-line arguments, `key=value`. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable

from composegan.errors import UserError


def split_arguments(arguments: Iterable[str]) -> list[tuple[str, str]]:
    """`key=value` arguments as pairs, in order; of a repeated key, the last value counts.

    Raises UserError for an argument that is not `key=value`.
    """
    pairs: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if key.startswith("-"):
            plain = key.lstrip("-")
            raise UserError(f"{argument}: settings have no dashes; write {plain or 'key'}={value or 'VALUE'}")
        if not equals or not key.strip():
            raise UserError(f"{argument!r} is not key=value" + (f"; write {key}=VALUE" if key.strip() else ""))
        key = re.sub(r"\[(\d+)\]", r".\1", key.strip())
        pairs.pop(key, None)  # the order is that of the last ones
        pairs[key] = value
    return list(pairs.items())
