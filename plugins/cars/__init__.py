"""Cars: DSMLR Car-Parts-Segmentation or carparts-seg as downloaded, or drawn on the spot. Classes: domains/cars.yaml."""

from __future__ import annotations

from composegan.domain import DomainPlugin
from composegan.plugins.cars.demo import DrawnCars, spec

plugin = DomainPlugin(spec=spec, demo=DrawnCars)

__all__ = ["DrawnCars", "plugin", "spec"]
