"""A photo to codes: those whose picture is nearest to it, and weights tuned to what is still missing.

from composegan.editing.invert import invert

result = invert(model, images, masks)          # uint8 (N, H, W, 3) and (N, H, W)
result.codes["hair"].texture = other["hair"].texture
result.draw()                                  # images, masks and codes, each with its own tuned weights
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from composegan.config.inversion import Inversion, InversionConfig
from composegan.editing.objective import UNKNOWN, Objective, mask_iou
from composegan.editing.tuning import descend, tune
from composegan.errors import UserError
from composegan.losses.perceptual import PerceptualDistance, perceptual_distance
from composegan.model.codes import Codes
from composegan.model.delta import Delta
from composegan.model.random_codes import usual_present
from composegan.model.sample import Samples, draw
from composegan.model.saved_model import Model
from composegan.runtime.progress import progress_bar

Done = Callable[[int], None]


@dataclass(frozen=True)
class Inverted:
    """N photos as a model's codes. codes: of all; deltas: the tuned weights of each, empty without tuning;
    figures: for each, how near its picture comes, see `nearness`."""

    model: Model
    codes: Codes
    deltas: list[Delta]
    figures: list[dict[str, Any]]

    def tuned(self, number: int) -> Model:
        """The model with the weights of one photo; the untuned one where there was no tuning."""
        return self.model.with_delta(self.deltas[number]) if self.deltas else self.model

    def draw(self, codes: Codes | None = None) -> Samples:
        """The pictures of `codes` (N, as edited from `self.codes`; None: those), each by its own tuned model."""
        drawn = [self.tuned(i).draw(one) for i, one in enumerate(codes or self.codes)]
        parts = [np.concatenate([getattr(one, part) for one in drawn]) for part in ("images", "labels")]
        return Samples(*parts, codes or self.codes, self.model.colors)


def invert(
    model: Model,
    images: np.ndarray,
    masks: np.ndarray | None = None,
    settings: InversionConfig | None = None,
    *,
    progress: str = "Inverting",
) -> Inverted:
    """All photos at once, of the model's size.

    images: (N, H, W, 3) uint8; masks: (N, H, W) uint8, class numbers. progress: title of the bar, "" for none.
    Raises UserError for other shapes, labels that are no class, and settings out of range.
    """
    settings = settings or InversionConfig()
    how = settings.resolve(min(model.generator.height, model.generator.width))
    distance = perceptual_distance(settings.lpips, how.size).to(model.device)
    objective = objective_of(model, images, masks, distance, how)
    with progress_bar(progress, steps_of(how, len(images))) as done:
        started = time.perf_counter()
        codes = search(model, objective, done)
        seconds = (time.perf_counter() - started) / len(images)
        deltas, figures = [], []
        for i in range(len(images)):
            one, figure = (
                objective.part(i),
                {"search_seconds": seconds, "w+": nearness(model, codes[i], objective.part(i))},
            )
            if how.tune_steps:
                started = time.perf_counter()
                deltas.append(tune(model, codes[i], one, done=done))
                figure["tuning_seconds"] = time.perf_counter() - started
                figure["tuned"] = nearness(model.with_delta(deltas[i]), codes[i], one)
            figures.append(figure)
    return Inverted(model, codes, deltas, figures)


def steps_of(how: Inversion, photos: int) -> int:
    """What a progress bar counts: the search of a photo is one step of its own for each of `how.steps`."""
    return photos * (how.steps + how.tune_steps)


def objective_of(
    model: Model, images: np.ndarray, masks: np.ndarray | None, distance: PerceptualDistance, how: Inversion
) -> Objective:
    """The arguments of `invert`, checked, on the model's device. masks may hold UNKNOWN where there is none."""
    size = (model.generator.height, model.generator.width)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (*size, 3) or not len(images):
        raise UserError(f"images are {images.dtype} {images.shape}; the model takes uint8 (N, {size[0]}, {size[1]}, 3)")
    if masks is None:
        masks = np.full(images.shape[:3], UNKNOWN, np.uint8)
    if masks.shape != images.shape[:3]:
        raise UserError(f"masks are {masks.shape}; for images {images.shape}, {images.shape[:3]} is needed")
    foreign = (masks >= len(model.classes)) & (masks != UNKNOWN)
    if foreign.any():
        raise UserError(
            f"masks have labels that are no class ({np.unique(masks[foreign])[:8]}) in {foreign.sum()} pixels"
        )
    pictures = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(model.device)
    labels = torch.from_numpy(masks.astype(np.int64)).to(model.device)
    return Objective.of(pictures.float().div(127.5).sub(1), labels, distance, how)


def search(model: Model, objective: Objective, done: Done = lambda n: None) -> Codes:
    """The slots (w+) that make the objective, and `prior` times the mean of ((w - mean) / spread)^2, small.

    All photos at once from the mean code, which does not change what each comes to. done: called with the number of
    photos after each step.
    """
    how, count = objective.how, len(objective.images)
    layout, scale = model.generator.layout, spread(model)
    slots = model.mean_code.repeat(count, layout.slots, 1).requires_grad_()  # (N, base + 2K, S)
    present = classes_of(model, objective)

    def loss() -> Tensor:
        away = ((slots - model.mean_code) / scale).square().mean(dim=(1, 2))  # (N,)
        return (objective(model.generator(slots, classes=present)) + how.prior * away).sum()

    descend([slots], how.rate, how.steps, loss, lambda n: done(n * count))
    if not slots.isfinite().all():
        raise UserError(f"rate={how.rate}: the search for codes went out of all bounds; a smaller one is needed")
    return Codes.of(model, slots, present)


def classes_of(model: Model, objective: Objective) -> Tensor | None:
    """What the pictures of photos are composed of, (N, K) bool: the classes of the mask that is given, or those of most
    pictures of the data; None for a model whose every picture has all classes."""
    present = usual_present(model, len(objective.labels))
    if present is None:
        return None
    for number, labels in enumerate(objective.labels.cpu()):
        if (known := labels[labels != UNKNOWN].unique()).numel():
            present[number] = False
            present[number, known] = True
    return present


def spread(model: Model, samples: int = 4096) -> Tensor:
    """The standard deviation of w: (S,)."""
    z = torch.randn(samples, model.generator.latent_channels, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model.generator.map(z.to(model.device)).std(dim=0).clamp_min(1e-6)


def nearness(model: Model, codes: Codes, objective: Objective) -> dict[str, float]:
    """How near the picture of `codes` (of one photo), in whole grey values as it is saved, comes to the photo:

    mse: mean squared difference, of colours in -1..1; perceptual: see `PerceptualDistance`; mask_iou: where there is a
    mask, the mean over its classes of intersection / union.
    """
    samples = draw(model, codes)
    picture = torch.from_numpy(samples.images.transpose(0, 3, 1, 2).copy()).to(model.device).float().div(127.5).sub(1)
    with torch.no_grad():
        maps = objective.distance.maps
        apart = float(objective.distance(maps(picture), maps(objective.images)))
    found = {"mse": float((picture - objective.images).square().mean()), "perceptual": apart}
    wanted = objective.labels[0].cpu().numpy()
    if (wanted != UNKNOWN).all():
        found["mask_iou"] = mask_iou(samples.labels[0], wanted)
    return found
