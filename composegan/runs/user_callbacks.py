"""Callbacks and loggers that a user gives to a run."""

from __future__ import annotations

from typing import Any

from lightning import Callback
from lightning.pytorch.loggers import Logger

from composegan.errors import UserError


def callbacks_and_loggers(callbacks: Any, loggers: Any) -> tuple[list[Callback], list[Logger]]:
    """Both as lists; one object stands for a list of one. Raises UserError for objects that are not Lightning's."""
    return _instances("callbacks", callbacks, Callback), _instances("loggers", loggers, Logger)


def _instances(name: str, given: Any, kind: Any) -> list[Any]:
    items = list(given) if isinstance(given, (list, tuple, set)) else [given]
    for item in items:
        if not isinstance(item, kind):
            found = item.__name__ if isinstance(item, type) else f"a {type(item).__name__}"
            raise UserError(f"{name}: {found} given; an instance of lightning's {kind.__name__} is needed")
    return items
