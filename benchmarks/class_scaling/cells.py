"""What the cost study measures: networks of K classes at some widths, in each of the ways to have many classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from benchmarks.class_loop import ClassLoop
from composegan.config.compose import compose
from composegan.config.schema import Config
from composegan.grouping.plan import GroupingPlan
from composegan.networks.class_sets import ClassSets
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.plugin.domain import DomainSpec, SemanticClass
from composegan.training.build import build

CLASSES = (8, 13, 19, 30, 66, 150)
"""Of the paper's faces 13, of Cityscapes 19 and 30, of Mapillary Vistas 66, of ADE20K 150."""
GROUPS, PRESENT, MASK_RANK = 8, 12, 16
"""Groups and mask rank of the arms that have them, and how many classes are in a picture: in streets of 30, a dozen."""
A_PATCH = 4.4
"""Texture routing: how many classes are seen in a patch of the map, on average, which hangs on the picture and not on K
(that is what weighs above 0.05 in a street of per_class after 8,000 images, see `classes_a_patch` in a run's
quality.json). The capacity is set to just that many, so that what is computed is what a trained model would, though
weights that were never trained have no classes that lie in regions."""
ARMS = {
    "loop": "per-class loop, as the release computes it",
    "bank": "per_class bank",
    "merged": f"labels merged to {GROUPS}",
    "grouped": f"{GROUPS} groups",
    "presence": f"{GROUPS} groups, presence routing, mask rank {MASK_RANK}",
    "routed": "the same, and texture routing",
}
WITH_SETS = ("presence", "routed")
WIDTHS = ("paper256", "quick")


@dataclass(frozen=True)
class Cell:
    """One place of the tables. batch: pictures a step."""

    widths: str
    arm: str
    classes: int
    batch: int

    @property
    def same(self) -> Cell:
        """The cell that this one is by construction: merged labels are 8 classes, and 8 groups of 8 are per_class."""
        if self.arm == "merged" or (self.arm == "grouped" and self.classes <= GROUPS):
            return replace(self, arm="bank", classes=GROUPS)
        return self

    @property
    def reference(self) -> Cell:
        """What its time is a ratio to: the same with 8 classes, and for that the bank."""
        smallest = replace(self, classes=min(CLASSES))
        return smallest if self != smallest else replace(smallest, arm="bank")

    @property
    def name(self) -> str:
        return f"{self.widths} {self.arm} K={self.classes}"


def config_of(cell: Cell) -> Config:
    """The settings of a run: the paper's at 256x256, which are the defaults, or those of the quick recipe."""
    config = compose(["domain=faces", "recipe=quick"]).config if cell.widths == "quick" else Config()
    if cell.arm in WITH_SETS and cell.classes > MASK_RANK:  # with fewer classes than that dense masks are cheaper
        config.model.mask_rank = MASK_RANK
    if cell.arm == "routed":
        config.model.texture_capacity = min(1.0, A_PATCH / min(PRESENT, cell.classes))
    config.training.batch = cell.batch
    return config


def vocabulary(classes: int) -> DomainSpec:
    """So many opaque classes."""
    return DomainSpec("made-up", tuple(SemanticClass(f"class{k}", (k, k, k)) for k in range(classes)))


def plan_of(cell: Cell) -> GroupingPlan:
    if cell.arm in ("loop", "bank") or cell.classes <= GROUPS:
        return GroupingPlan.per_class(cell.classes)
    groups: list[list[int]] = [[] for _ in range(GROUPS)]
    for k in range(cell.classes):
        groups[k * GROUPS // cell.classes].append(k)
    return GroupingPlan(tuple(map(tuple, groups)))


def class_sets(cell: Cell) -> ClassSets | None:
    """Made-up sets of PRESENT classes, the first always among them; None where every class is computed anyway."""
    if cell.arm not in WITH_SETS:
        return None
    draws = torch.Generator().manual_seed(0)
    sets = torch.zeros(64, cell.classes, dtype=torch.bool)
    sets[:, 0] = True
    for row in sets:
        others = torch.randperm(cell.classes - 1, generator=draws)[: PRESENT - 1] + 1
        row[others] = True
    return ClassSets(sets, torch.ones(len(sets)))


def networks(cell: Cell, device: torch.device | str) -> tuple[Generator, Discriminator]:
    """Both networks of a cell; "meta" for none of the memory."""
    with torch.device(device):
        generator, discriminator = build(config_of(cell), vocabulary(cell.classes), plan_of(cell))
    if cell.arm == "loop":
        generator.local = ClassLoop(generator.local)
    return generator.to(device), discriminator.to(device)
