"""Search for shape codes whose picture has a given label map, for models that cannot compose one directly."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from composegan.editing.invert import spread
from composegan.editing.objective import mask_distance
from composegan.editing.tuning import descend
from composegan.metrics.leakage import grown, margin_of
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.networks.layout import OPEN

STEPS, RATE = 100, 0.05
PRIOR = 0.3
"""Weight of the mean squared distance from the codes, in standard deviations."""
KEEP = 10.0
"""Weight of the mean absolute change of colours where the label stays."""


def search_shapes(model: Model, codes: Codes, labels: Tensor, steps: int = STEPS) -> Codes:
    """Base and shape codes near `codes` whose pictures have the labels (N, H, W) uint8, OPEN where any will do.

    Minimizes the cross entropy of the masks (`objective.mask_distance`), the change of colours where labels stay,
    farther than two margins from where they change, and the distance from the codes. Classes in the labels become
    present. A model without codes per class has all of its codes searched.
    """
    parts: list[Codes] = []
    for drawing, part in model.by_weights(codes):
        first = sum(map(len, parts))
        parts.append(_search(drawing, part, labels[first : first + len(part)].to(model.device), steps))
    return replace(
        codes, slots=torch.cat([part.slots for part in parts]), present=torch.cat([p.present for p in parts])
    )


def _search(model: Model, codes: Codes, labels: Tensor, steps: int) -> Codes:
    chosen = torch.ones(codes.slots.shape[1], dtype=torch.bool)  # (slots)
    present = codes.present.clone()
    if codes.class_codes:
        chosen = codes.slots_of("all", "shape", base=True)
        for here, own in zip(present, labels.cpu(), strict=True):
            here[own[own != OPEN].unique().long()] = True
    scale, slots = spread(model), codes.slots.to(model.device)
    with torch.inference_mode(False), torch.no_grad():
        slots = slots.clone()
        before = model.generator(slots, classes=codes.present)
        image, drawn = before.image.clamp(-1, 1), before.mask.labels()  # (N, 3, H, W), (N, H, W)
    stays = ~grown((drawn != labels) & (labels != OPEN), 2 * margin_of(*labels.shape[1:]))  # (N, H, W)
    change = torch.zeros(len(slots), int(chosen.sum()), slots.shape[2], device=slots.device, requires_grad=True)
    positions = chosen.nonzero().flatten().to(slots.device)

    def loss() -> Tensor:
        picture = model.generator(slots.index_add(1, positions, change), classes=present)
        kept = ((picture.image - image).abs().mean(dim=1) * stays).mean(dim=(1, 2))  # (N,)
        wrong = mask_distance(picture.mask.logits(), labels.long())  # (N,)
        return (wrong + KEEP * kept + PRIOR * (change / scale).square().mean(dim=(1, 2))).sum()

    with torch.inference_mode(False), torch.enable_grad():
        descend([change], RATE, steps, loss, lambda n: None)
    return replace(codes, slots=slots.index_add(1, positions, change.detach()), present=present)
