"""Cars: DSMLR Car-Parts-Segmentation or carparts-seg as downloaded, or drawn. Classes: domains/cars.yaml."""

from __future__ import annotations

from pathlib import Path

from composegan.data import UserError
from composegan.plugin.domain import DomainPlugin
from composegan.plugins.cars.demo import DrawnCars, spec
from composegan.plugins.cars.dsmlr import is_dsmlr, open_dsmlr
from composegan.plugins.cars.readers import CarParts
from composegan.plugins.cars.ultralytics import is_ultralytics, open_ultralytics


def open_cars(root: Path, split: str) -> CarParts:
    """The data set that `root` holds; split is "train" or "validation". Raises UserError when it is none of the two."""
    if is_dsmlr(root):
        return open_dsmlr(root, split, spec)
    if is_ultralytics(root):
        return open_ultralytics(root, split, spec)
    raise UserError(
        f"{root}: is no set of car parts; data.root of domain 'cars' is the unpacked Car-Parts-Segmentation "
        "(trainingset/, testset/), carparts-seg (images/train/, labels/train/), a folder with images/ and labels/, or "
        "one made by `composegan prepare`"
    )


plugin = DomainPlugin(spec=spec, dataset=open_cars, demo=DrawnCars)

__all__ = ["DrawnCars", "open_cars", "plugin", "spec"]
