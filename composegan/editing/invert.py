"""Inversion: from a photo to the codes whose picture is nearest to it, and to weights tuned to the rest."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from composegan.config.inversion import Inversion, InversionConfig
from composegan.data.framing import Framed
from composegan.editing.encoder.encode import encode
from composegan.editing.encoder.encoder_file import TrainedEncoder, find_encoder
from composegan.editing.encoder.unlike import likeness
from composegan.editing.likeness import References
from composegan.editing.objective import Objective, mask_iou
from composegan.editing.tuning import descend, tune
from composegan.errors import UserError, as_path
from composegan.io.atomic import write_json
from composegan.io.output import check_folder
from composegan.losses.perceptual import PerceptualDistance, perceptual_distance
from composegan.model.codes import Codes
from composegan.model.delta import Delta
from composegan.model.random_codes import usual_present
from composegan.model.sample import SAVED, TUNED, Picture, Samples, concat_samples, draw
from composegan.model.saved_model import Model
from composegan.networks.semantic_map import UNKNOWN
from composegan.runtime.progress import progress_bar

log = logging.getLogger(__name__)
Done = Callable[[int], None]


@dataclass(frozen=True, eq=False, repr=False)
class Inverted(Picture):
    """N photos as codes of a model.

    codes: with the weights tuned to each photo, by which their pictures are drawn (`codes.untuned()`: by the model's);
    figures: for each photo, its distance to the picture of its codes, see `nearness`; photos: the photos themselves and
    the part of each that was inverted, for `model.edit(codes, "hair", photos=inverted.photos)`.
    """

    model: Model
    codes: Codes
    figures: list[dict[str, Any]]
    photos: tuple[Framed, ...] = ()

    @property
    def deltas(self) -> tuple[Delta, ...]:
        """The weights tuned to each photo, empty without tuning."""
        return tuple(delta for delta in self.codes.tuned if delta)

    def tuned(self, number: int) -> Model:
        """The model with the weights tuned to one photo; the model itself without tuning."""
        return self.model.with_delta(self.deltas[number]) if self.deltas else self.model

    def draw(self, codes: Codes | None = None) -> Samples:
        """Pictures of N codes, edited from `self.codes` (default: those), each by the weights tuned to its photo."""
        return concat_samples([self.tuned(i).draw(one) for i, one in enumerate(codes or self.codes)])

    def save(self, folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the pictures and codes as `Samples.save`, the tuned weights, and the figures as inversion.json.

        overwrite: also write into a folder that holds anything but a saved inversion. Raises UserError for such a
        folder otherwise, and if writing fails.
        """
        folder = as_path("folder", folder)
        check_folder(folder, (*SAVED, "inversion.json"), TUNED, overwrite)
        self.draw().save(folder, overwrite=True)
        write_json(folder / "inversion.json", self.figures)
        return folder

    def sheet(self) -> Image.Image:
        """The pictures of the codes, beside their masks."""
        return self.draw().sheet()

    def __repr__(self) -> str:
        return f"Inverted({len(self.codes)} photos, {'tuned' if self.deltas else 'not tuned'})"


def invert(
    model: Model,
    images: np.ndarray,
    masks: np.ndarray | None = None,
    settings: InversionConfig | None = None,
    *,
    progress: str = "Inverting",
    references: References | None = None,
) -> Inverted:
    """Invert all photos at once; they have the model's size.

    images: (N, H, W, 3) uint8; masks: (N, H, W) uint8, class numbers. progress: title of the bar, "" for none.
    references: without an encoder, photos that are unlike these are logged as warnings.
    Raises UserError for other shapes, labels that are not classes, and settings out of range.
    """
    settings = settings or InversionConfig()
    encoder = find_encoder(model, settings.encoder)
    how = settings.resolve(min(model.generator.height, model.generator.width), encoder is not None)
    distance = perceptual_distance(settings.lpips, how.size).to(model.device)
    objective = objective_of(model, images, masks, distance, how)
    pictures = images.transpose(0, 3, 1, 2)
    alike = likeness(model, encoder, pictures) if encoder else references.likeness(pictures) if references else []
    for number, found in enumerate(alike):
        if found.unlike:
            log.warning("photo %d %s", number, found)
    with progress_bar(progress, len(images) * (how.steps + how.tune_steps)) as done:
        started = time.perf_counter()
        codes = search(model, objective, done, encoder)
        seconds = (time.perf_counter() - started) / len(images)
        deltas: list[Delta] = []
        figures = []
        for i in range(len(images)):
            one = objective.part(i)
            figure: dict[str, Any] = {"search_seconds": seconds, "w+": nearness(model, codes[i], one)}
            if how.tune_steps:
                started = time.perf_counter()
                deltas.append(tune(model, codes[i], one, done=done))
                figure["tuning_seconds"] = time.perf_counter() - started
                figure["tuned"] = nearness(model.with_delta(deltas[i]), codes[i], one)
            figures.append(figure)
    return Inverted(model, replace(codes, tuned=tuple(deltas)), figures)


def objective_of(
    model: Model, images: np.ndarray, masks: np.ndarray | None, distance: PerceptualDistance, how: Inversion
) -> Objective:
    """The validated arguments of `invert` on the model's device. masks: UNKNOWN for photos without one."""
    return Objective.of(*tensors_of(model, images, masks), distance, how)


def tensors_of(model: Model, images: np.ndarray, masks: np.ndarray | None) -> tuple[Tensor, Tensor]:
    """Photos (N, H, W, 3) uint8 and masks (N, H, W) -> (N, 3, H, W) in -1..1 and (N, H, W) int64, on the model's
    device. Raises UserError for other shapes, and for labels that are neither classes nor UNKNOWN."""
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
            f"masks have labels that are not classes ({np.unique(masks[foreign])[:8]}) in {foreign.sum()} pixels; "
            f"use 0 to {len(model.classes) - 1}"
        )
    pictures = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(model.device)
    labels = torch.from_numpy(masks.astype(np.int64)).to(model.device)
    return pictures.float().div(127.5).sub(1), labels


def search(
    model: Model, objective: Objective, done: Done = lambda n: None, encoder: TrainedEncoder | None = None
) -> Codes:
    """Minimize the objective plus `prior` times the mean of ((w - mean) / spread)^2 over slots (w+).

    All photos at once, each independently, from the mean code, or from the codes and classes that the encoder finds.
    done: called with the number of photos after each step.
    """
    how, count = objective.how, len(objective.images)
    layout, scale = model.generator.layout, spread(model)
    if encoder is None:
        slots, present = model.mean_code.repeat(count, layout.slots, 1), classes_of(model, objective)
    else:
        found = encode(model, encoder, objective.images, objective.labels)
        slots, present = found.slots, None if model.class_sets is None else found.present
    slots.requires_grad_()  # (N, base + 2K, S)

    def loss() -> Tensor:
        away = ((slots - model.mean_code) / scale).square().mean(dim=(1, 2))  # (N,)
        return (objective(model.generator(slots, classes=present)) + how.prior * away).sum()

    if how.steps:
        descend([slots], how.rate, how.steps, loss, lambda n: done(n * count), brief=encoder is not None)
    if not slots.isfinite().all():
        raise UserError(f"rate={how.rate}: the search for codes diverged; choose a smaller rate")
    return Codes.of(model, slots, present)


def classes_of(model: Model, objective: Objective) -> Tensor | None:
    """The classes of each photo: (N, K) bool. Those of its mask, or those that most training images have; None for a
    model whose every picture has all classes."""
    present = usual_present(model, len(objective.labels))
    if present is None:
        return None
    for number, labels in enumerate(objective.labels.cpu()):
        if (known := labels[labels != UNKNOWN].unique()).numel():
            present[number] = False
            present[number, known] = True
    return present


def spread(model: Model, samples: int = 4096) -> Tensor:
    """Standard deviation of w: (S,)."""
    z = torch.randn(samples, model.generator.latent_channels, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model.generator.map(z.to(model.device)).std(dim=0).clamp_min(1e-6)


def nearness(model: Model, codes: Codes, objective: Objective) -> dict[str, float]:
    """Distance of the picture of `codes` (of one photo), rounded to whole grey values as saved, to the photo:

    mse: mean squared difference of colours in -1..1; perceptual: see `PerceptualDistance`; mask_iou: with a mask, the
    mean over its classes of intersection / union.
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
