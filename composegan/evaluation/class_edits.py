"""Resample the texture and the shape of each class in pictures that contain it, and measure what changes.

A class whose *ownership* (mean composition weight in its own pixels) is below `OWNED`, or whose *liveness* (mean change
inside it) is below `ALIVE`, is dead. Class 0 has no pseudo-depth of its own, so its shape is never live.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from torch import Tensor

from composegan.evaluation.generated import random_w
from composegan.evaluation.shares import joined, share
from composegan.metrics.layout import mean_known
from composegan.metrics.leakage import EditChange, change, margin_of, region_of, weight_in
from composegan.metrics.presence import present
from composegan.metrics.thresholds import ALIVE, OWNED
from composegan.model.class_codes import PARTS
from composegan.model.saved_model import Model
from composegan.networks.generator import Synthesis
from composegan.networks.slots import SlotLayout
from composegan.runtime.progress import progress_bar
from composegan.viz.pictures import to_uint8

PICTURES = 32
"""Each class is edited in at most this many pictures."""


@dataclass
class ClassEdits:
    """Edits of class k in `pictures` pictures.

    ownership: 0..1; measured: by part, the means over pictures of the fields of `EditChange`, NaN where undefined.
    before, after: (H, W, 3) uint8 and heat: (H, W), the change, of the first picture; after and heat by part.
    """

    k: int
    pictures: int
    ownership: float
    measured: dict[str, dict[str, float]]
    before: np.ndarray
    after: dict[str, np.ndarray] = field(default_factory=dict)
    heat: dict[str, np.ndarray] = field(default_factory=dict)


def with_codes_of(
    layout: SlotLayout, w: Tensor, others: Tensor, classes: Tensor | int, parts: Sequence[str] = PARTS
) -> Tensor:
    """Replace the codes of one class per picture by those of others.

    w, others: (N, S); classes: (N,) indices, or one; parts: "shape", "texture" or both -> slots (N, base + 2K, S).
    """
    slots = w[:, None].repeat(1, layout.slots, 1)
    first = layout.base_layers + 2 * torch.as_tensor(classes, device=w.device)
    for part in parts:
        slots[torch.arange(len(w), device=w.device), first + PARTS.index(part)] = others
    return slots


def edit_classes(
    model: Model, w: Tensor, proportions: Tensor, seed: int, truncation: float, batch: int,
    class_sets: Tensor | None = None,
) -> list[ClassEdits]:  # fmt: skip
    """Edit each class that is in some picture, in order; shared among the processes.

    w: (N, S); proportions: (N, K): each class is edited in the first PICTURES pictures it is in, with the codes of
    seed + 1. class_sets: (N, K) bool, which edits keep.
    """
    w, others = w.to(model.device), random_w(model, len(w), seed + 1, truncation, class_sets)
    chosen = [_with_class(proportions[:, k]) for k in range(len(model.classes))]
    own = list(share([k for k, pictures in enumerate(chosen) if len(pictures)]))
    with progress_bar("Editing classes", sum(len(chosen[k]) for k in own)) as advance:
        return joined([_edit_class(model, k, w, others, class_sets, chosen[k].split(batch), advance) for k in own])


@torch.inference_mode()
def _edit_class(
    model: Model, k: int, w: Tensor, others: Tensor, class_sets: Tensor | None, batches: Sequence[Tensor],
    advance: Callable[[int], None],
) -> ClassEdits:  # fmt: skip
    margin = margin_of(model.generator.height, model.generator.width)
    changes: dict[str, list[EditChange]] = {part: [] for part in PARTS}
    weight, pixels = torch.zeros(2, dtype=torch.float64).unbind()
    found: ClassEdits | None = None
    for pictures in batches:
        there = None if class_sets is None else class_sets[pictures]
        some = pictures.to(w.device)
        before = model.synthesize(w[some], classes=there)
        image, labels = _on_cpu(before)
        owned, count = weight_in((before.coarse[:, k].float().cpu() + 1) / 2, labels == k)
        weight, pixels = weight + owned.sum(), pixels + count.sum()
        found = found or ClassEdits(k, sum(map(len, batches)), 0.0, {}, to_uint8(image[:1])[0])
        for part in PARTS:
            slots = with_codes_of(model.generator.layout, w[some], others[some], k, [part])
            edited, edited_labels = _on_cpu(model.synthesize(slots, classes=there))
            changes[part].append(EditChange.of(image, edited, region_of(labels, edited_labels, [k]), margin))
            found.after.setdefault(part, to_uint8(edited[:1])[0])
            found.heat.setdefault(part, change(image[:1], edited[:1])[0].numpy())
        advance(len(pictures))
    assert found is not None
    found.ownership = (weight / pixels).item()
    found.measured = {part: _means(several) for part, several in changes.items()}
    return found


def _means(changes: Sequence[EditChange]) -> dict[str, float]:
    names = [item.name for item in fields(EditChange)]
    return {name: mean_known(torch.cat([getattr(each, name) for each in changes])) for name in names}


def _with_class(shares: Tensor) -> Tensor:
    """The first PICTURES pictures that have a class, the one with most of it first, to be shown. shares: (N,)."""
    pictures = present(shares).nonzero()[:PICTURES, 0]
    return pictures[shares[pictures].argsort(descending=True)]


def _on_cpu(result: Synthesis) -> tuple[Tensor, Tensor]:
    """Images (B, 3, H, W) clamped to -1..1, and labels (B, H, W), on the CPU."""
    return result.image.float().clamp(-1, 1).cpu(), result.mask.labels().cpu()


@dataclass(frozen=True)
class EditTable:
    """The edits of all K classes as columns, each (K,) float64, NaN for a class that was not drawn.

    ownership: 0..1. measured: by part, the fields of `EditChange`. pictures: (K,) int64.
    """

    ownership: Tensor
    measured: dict[str, dict[str, Tensor]]
    pictures: Tensor

    @classmethod
    def of(cls, found: Sequence[ClassEdits], classes: int) -> EditTable:
        """Collect the classes of `found`."""

        def column() -> Tensor:
            return torch.full((classes,), torch.nan, dtype=torch.float64)

        table = cls(column(), {part: {} for part in PARTS}, torch.zeros(classes, dtype=torch.int64))
        for each in found:
            table.ownership[each.k], table.pictures[each.k] = each.ownership, each.pictures
            for part, values in each.measured.items():
                for name, value in values.items():
                    table.measured[part].setdefault(name, column())[each.k] = value
        return table

    def live(self, part: str) -> Tensor:
        """The classes that own their pixels and whose part changes them: (K,) bool. Class 0 has no shape."""
        live = (self.ownership >= OWNED) & (self.measured[part]["inside"] >= ALIVE)
        if part == "shape":
            live[0] = False
        return live

    @property
    def live_classes(self) -> Tensor:
        """The classes of which a part is live: (K,) bool."""
        return self.live("texture") | self.live("shape")
