"""Streets: Cityscapes as downloaded, or drawn streets. domains/cityscapes.yaml defines the classes and mappings.

Two domains: `cityscapes` with its 30 classes, and `cityscapes16` with 16 super-classes of them.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from composegan.plugin import DomainPlugin, read_domain_file
from composegan.plugins.cityscapes.merged import Merged
from composegan.plugins.cityscapes.reader import Cityscapes
from composegan.plugins.cityscapes.street.source import StreetSource

spec = read_domain_file(files("composegan.domain_files") / "cityscapes.yaml")
spec16 = read_domain_file(files("composegan.domain_files") / "cityscapes16.yaml")


def open_cityscapes(root: Path, split: str) -> Cityscapes:
    """Open Cityscapes in `root`, with coarse labels if that is gtCoarse. split: "train" or "validation"."""
    return Cityscapes(root, split, spec)


def open_cityscapes16(root: Path, split: str) -> Merged:
    """Open Cityscapes in 16 classes."""
    return Merged(open_cityscapes(root, split), spec, spec16)


def draw_streets(count: int, height: int, width: int, seed: int) -> StreetSource:
    """Return a source of `count` streets in 30 classes, each a pure function of (seed, index)."""
    return StreetSource(spec, count=count, height=height, width=width, seed=seed)


def draw_streets16(count: int, height: int, width: int, seed: int) -> Merged:
    """Return the source of the same streets in 16 classes."""
    return Merged(draw_streets(count, height, width, seed), spec, spec16)


plugin = DomainPlugin(spec=spec, dataset=open_cityscapes, demo=draw_streets)
plugin16 = DomainPlugin(spec=spec16, dataset=open_cityscapes16, demo=draw_streets16)

__all__ = [
    "draw_streets", "draw_streets16", "open_cityscapes", "open_cityscapes16", "plugin", "plugin16", "spec", "spec16",
]  # fmt: skip
