"""Compositional GANs: every semantic class has its own latent codes, its own layer of the picture and its own mask.

docs/api.md describes the names below. They are imported when they are first used, so that `import composegan` does not
load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from composegan.version import __version__

if TYPE_CHECKING:
    from composegan.api.fit import Run, domains, fit
    from composegan.api.model import Model, concat, load
    from composegan.editing.directions.store import Directions
    from composegan.errors import UserError
    from composegan.model.codes import Codes
    from composegan.model.sample import Samples
    from composegan.session.session import Session
    from composegan.shipped import models

_HOMES = {
    "Codes": "composegan.model.codes",
    "Directions": "composegan.editing.directions.store",
    "Model": "composegan.api.model",
    "Run": "composegan.api.fit",
    "Samples": "composegan.model.sample",
    "Session": "composegan.session.session",
    "UserError": "composegan.errors",
    "concat": "composegan.api.model",
    "domains": "composegan.api.fit",
    "fit": "composegan.api.fit",
    "load": "composegan.api.model",
    "models": "composegan.shipped",
}

__all__ = [
    "Codes", "Directions", "Model", "Run", "Samples", "Session", "UserError", "__version__", "concat", "domains",
    "fit", "load", "models",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        from composegan.errors import nearest

        raise AttributeError(f"module 'composegan' has no attribute {name!r}; {nearest(name, _HOMES)}")
    globals()[name] = getattr(import_module(_HOMES[name]), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(__all__)
