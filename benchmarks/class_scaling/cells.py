"""The networks of the cost study: K classes at some widths, in each of the ways to have many classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from benchmarks.class_loop import ClassLoop
from composegan.config.compose import compose
from composegan.config.schema import Config
from composegan.networks.class_sets import ClassSets
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.plugin.domain import DomainSpec, SemanticClass
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.training.build import build

CLASSES = (8, 13, 19, 30, 66, 150)
"""The paper's faces have 13, Cityscapes 19 or 30, Mapillary Vistas 66, ADE20K 150."""
GROUPS, PRESENT, MASK_RANK = 8, 12, 16
"""Number of groups and mask rank of the arms that have them, and classes in a picture: a dozen in streets of 30."""
A_PATCH = 4.4
"""Texture routing: average number of classes in a patch of the map, which depends on the picture and not on K. It is
the number of classes with a weight above 0.05 in streets of per_class after 8,000 images (`classes_a_patch` in a run's
quality.json). The capacity is set to this number, so that untrained networks, whose classes do not form regions yet,
compute as much as trained ones."""
ARMS = {
    "loop": "per-class loop, as the release computes it",
    "bank": "per_class bank",
    "merged": f"labels merged to {GROUPS}",
    "grouped": f"{GROUPS} groups",
    "presence": f"{GROUPS} groups, presence routing, mask rank {MASK_RANK}",
    "routed": "the same, and texture routing",
    "modern": f"family and objective modern, {GROUPS} groups, presence routing, mask rank {MASK_RANK}",
}
WITH_SETS = ("presence", "routed", "modern")
WIDTHS = ("paper256", "quick")


@dataclass(frozen=True)
class Cell:
    """One cell of the tables. batch: pictures per step."""

    widths: str
    arm: str
    classes: int
    batch: int

    @property
    def same(self) -> Cell:
        """The cell whose networks are the same: merged labels are 8 classes, and 8 groups of 8 classes are
        per_class."""
        if self.arm == "merged" or (self.arm == "grouped" and self.classes <= GROUPS):
            return replace(self, arm="bank", classes=GROUPS)
        return self

    @property
    def reference(self) -> Cell:
        """The cell that its time is compared with: the same arm with 8 classes, and for that the bank, but `modern`
        with itself."""
        smallest = replace(self, classes=min(CLASSES))
        return smallest if self != smallest or self.arm == "modern" else replace(smallest, arm="bank")

    @property
    def name(self) -> str:
        return f"{self.widths} {self.arm} K={self.classes}"


def config_of(cell: Cell) -> Config:
    """Settings of a run: the paper's at 256x256, which are the defaults, or the quick recipe's."""
    half = ["model.coarse_size=32", "model.local_layers=4"] if cell.arm == "modern" else []
    config = compose(["domain=faces", "recipe=quick_paper", *half]).config if cell.widths == "quick" else Config()
    if cell.arm == "modern":
        config.model.family = config.training.loss = "modern"
    if cell.arm in WITH_SETS and cell.classes > MASK_RANK:  # with fewer classes dense masks are cheaper
        config.model.mask_rank = MASK_RANK
    if cell.arm == "routed":
        config.model.texture_capacity = min(1.0, A_PATCH / min(PRESENT, cell.classes))
    config.training.batch = cell.batch
    return config


def vocabulary(classes: int) -> DomainSpec:
    """A domain with this many opaque classes."""
    return DomainSpec("made-up", tuple(SemanticClass(f"class{k}", (k, k, k)) for k in range(classes)))


def plan_of(cell: Cell) -> GroupingPlan:
    if cell.arm in ("loop", "bank") or cell.classes <= GROUPS:
        return GroupingPlan.per_class(cell.classes)
    groups: list[list[int]] = [[] for _ in range(GROUPS)]
    for k in range(cell.classes):
        groups[k * GROUPS // cell.classes].append(k)
    return GroupingPlan(tuple(map(tuple, groups)))


def class_sets(cell: Cell) -> ClassSets | None:
    """Random sets of PRESENT classes, always including the first; None for arms that compute all classes anyway."""
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
    """Both networks of a cell; on the device "meta" they take no memory."""
    with torch.device(device):
        generator, discriminator = build(config_of(cell), vocabulary(cell.classes), plan_of(cell))
    if cell.arm == "loop":
        generator.local = ClassLoop(generator.local)  # type: ignore[assignment]
    return generator.to(device), discriminator.to(device)
