"""Cars: DSMLR Car-Parts-Segmentation or carparts-seg as downloaded, or drawn. Classes: domains/cars.yaml."""

from __future__ import annotations

from pathlib import Path

from composegan.plugin import DomainPlugin, UserError
from composegan.plugins.cars.demo import DrawnCars, spec
from composegan.plugins.cars.dsmlr import is_dsmlr, open_dsmlr
from composegan.plugins.cars.readers import CarParts
from composegan.plugins.cars.ultralytics import is_ultralytics, open_ultralytics


def open_cars(root: Path, split: str) -> CarParts:
    """Open the data set in `root`. split: "train" or "validation". Raises UserError for any other folder."""
    if is_dsmlr(root):
        return open_dsmlr(root, split, spec)
    if is_ultralytics(root):
        return open_ultralytics(root, split, spec)
    raise UserError(
        f"{root}: is not a data set of car parts; set data.root to the unpacked Car-Parts-Segmentation (trainingset/, "
        "testset/) or carparts-seg (images/train/, labels/train/), to a folder with images/ and labels/, or to the "
        "output of `composegan prepare`"
    )


plugin = DomainPlugin(spec=spec, dataset=open_cars, demo=DrawnCars)

__all__ = ["DrawnCars", "open_cars", "plugin", "spec"]
