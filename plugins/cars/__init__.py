"""Cars: DSMLR Car-Parts-Segmentation or carparts-seg as downloaded, or drawn. Classes: domains/cars.yaml."""

from __future__ import annotations

from pathlib import Path

from composegan.plugin import DomainPlugin, UserError
from composegan.plugins.cars.demo import DrawnCars, spec
from composegan.plugins.cars.dsmlr import is_dsmlr, open_dsmlr
from composegan.plugins.cars.readers import CarParts
from composegan.plugins.cars.ultralytics import is_ultralytics, open_ultralytics


def open_cars(root: Path, split: str) -> CarParts:
    """Open either data set in `root`; split is "train" or "validation". Raises UserError for another folder."""
    if is_dsmlr(root):
        return open_dsmlr(root, split, spec)
    if is_ultralytics(root):
        return open_ultralytics(root, split, spec)
    raise UserError(
        f"{root}: is not a data set of car parts; data.root of domain 'cars' is the unpacked Car-Parts-Segmentation "
        "(trainingset/, testset/), carparts-seg (images/train/, labels/train/), a folder with images/ and labels/, or "
        "one made by `composegan prepare`"
    )


plugin = DomainPlugin(spec=spec, dataset=open_cars, demo=DrawnCars)

__all__ = ["DrawnCars", "open_cars", "plugin", "spec"]
