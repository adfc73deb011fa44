"""A trained model: the generator, and all that is needed to draw with it. `load` reads it from a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import Any, Self, TypeVar

import torch
from torch import Tensor

from composegan.errors import Suggests, UserError, as_path, first_line, nearest, shown
from composegan.io.output import check_folder
from composegan.model import TRUNCATION
from composegan.model.codes import Codes, Names
from composegan.model.delta import Delta, apply_delta, fingerprint
from composegan.model.model_files import CONFIG, WEIGHTS, read_facts, read_weights, save
from composegan.model.random_codes import draw_codes
from composegan.model.sample import Sample, Samples, draw
from composegan.model.space import check_space
from composegan.networks.class_sets import ClassSets
from composegan.networks.generator import Generator, Synthesis
from composegan.networks.layout import OPEN
from composegan.plugin.domain import DomainSpec, SemanticClass
from composegan.plugin.label_scheme import LabelScheme
from composegan.shipped import model_folder


@dataclass(frozen=True, eq=False, repr=False)
class Model(Suggests):
    """A generator with what is needed to use it.

    settings: of the generator, see `composegan.plugin.Family`; domain: its name; classes, colors: in order of label
    value; mean_code: (S,), the mean of w, the centre of truncation; about: plain values saved with the model, such as
    the images it has seen; class_sets: those of its training data, None if every picture had all classes; family: of
    its networks; delta: what `with_delta` changed in its weights; categories: of each class, see `SemanticClass`,
    empty if unknown; folder: where it was loaded from; ids: what label values and colors of mask files mean, of
    `LabelScheme`.
    """

    generator: Generator
    settings: Mapping[str, Any]
    domain: str
    classes: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    mean_code: Tensor
    about: Mapping[str, Any] = field(default_factory=dict)
    class_sets: ClassSets | None = None
    family: str = "paper"
    delta: Delta | None = None
    categories: tuple[str, ...] = ()
    folder: Path | None = None
    ids: Mapping[int | tuple[int, int, int], int] = field(default_factory=dict)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.mean_code.device

    @cached_property
    def space(self) -> str:
        """Fingerprint of the latent space, that is of the mapping network's weights. Models with the same one, such as
        a model and what was adapted or tuned from it, can exchange codes."""
        digest = hashlib.sha256()
        for tensor in self.generator.mapping.state_dict().values():
            digest.update(tensor.float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]

    @cached_property
    def weights(self) -> str:
        """Fingerprint of all weights, before `with_delta`."""
        return self.delta.base if self.delta else fingerprint(self.generator)

    @property
    def spec(self) -> DomainSpec:
        """Name, classes and colours of its domain, as far as the model knows them."""
        categories = self.categories or [""] * len(self.classes)
        classes = (SemanticClass(*item) for item in zip(self.classes, self.colors, categories, strict=True))
        return DomainSpec(self.domain, tuple(classes), scheme=LabelScheme(ids=self.ids))

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """The classes of each category, by its whole path and by each of its levels: `side/door`, `side`, `door`."""
        found: dict[str, list[str]] = {}
        for name, path in zip(self.classes, self.categories, strict=False):
            levels = [level.strip() for level in path.split("/") if level.strip()]
            paths = ["/".join(levels[: depth + 1]) for depth in range(len(levels))]
            for key in dict.fromkeys([*paths, *levels]):
                found.setdefault(key, []).append(name)
        return found

    def index(self, name: str) -> int:
        """The label value of a class. Raises UserError offering the nearest name."""
        if not isinstance(name, str) or name not in self.classes:
            raise UserError(f"the model has no class {shown(name)}; {nearest(name, self.classes)}")
        return self.classes.index(name)

    def to(self, device: str | torch.device) -> Self:
        """The same model on another device. The generator is moved, not copied."""
        try:
            mean_code = self.mean_code.to(torch.device(device))
        except (RuntimeError, TypeError, ValueError, AssertionError) as error:
            usable = "cpu or cuda" if torch.cuda.is_available() else "cpu"
            raise UserError(f"device={shown(device)}: cannot be used ({first_line(error)}); use {usable}") from error
        self.generator.to(device)
        return replace(self, mean_code=mean_code)

    def with_delta(self, delta: Delta | str | PathLike[str]) -> Self:
        """The model with tuned weights: those of an inversion, or of the file that `composegan invert` wrote.

        Codes keep their meaning. Raises UserError for a file that is missing, damaged, or tuned from another model.
        """
        delta = delta if isinstance(delta, Delta) else Delta.load(as_path("delta", delta))
        own = fingerprint(self.generator) if self.delta else self.weights
        return replace(self, generator=apply_delta(self.generator, delta, own), delta=delta)

    def by_weights(self, codes: Codes) -> Iterator[tuple[Self, Codes]]:
        """Runs of pictures that the same weights draw, each with the model that has these weights.

        Raises UserError for weights tuned from another model, or to another photo than `delta`.
        """
        if not codes.tuned:
            yield self, codes
            return
        for delta, numbers in groupby(range(len(codes)), key=codes.tuned.__getitem__):
            part = codes[list(numbers)].untuned()
            if delta is None or (self.delta and delta.fingerprint == self.delta.fingerprint):
                yield self, part
            elif self.delta:
                raise UserError(
                    "codes: their weights are tuned to another photo than the model's; use it without delta"
                )
            elif delta.base != self.weights:
                raise UserError("codes: their weights are tuned from another model; leave them out by codes.untuned()")
            else:
                yield self.with_delta(delta), part

    @torch.inference_mode()
    def synthesize(self, codes: Codes | Tensor, truncation: float = 1.0, classes: Tensor | None = None) -> Synthesis:
        """Run the generator: image, mask, coarse mask and pseudo-depth, as tensors.

        codes: `Codes`, which bring their classes, or a tensor, see `Generator.forward`: w (B, S), slots or expanded
        codes, with `classes` (B, K) bool or all. Raises UserError for `Codes` of another model.
        """
        if isinstance(codes, Codes):
            check_space("codes", codes.classes, codes.space, self)
            (model, codes), *more = self.by_weights(codes)
            if more:
                raise UserError("codes: each picture has weights of its own; use draw, or synthesize them one by one")
            if model is not self:
                return model.synthesize(codes, truncation)
            return self.with_gradients(codes, codes.slots, truncation)
        return self.generator(codes.to(self.device), truncation=truncation, mean_code=self.mean_code, classes=classes)

    def with_gradients(self, codes: Codes, slots: Tensor, truncation: float = 1.0) -> Synthesis:
        """As `synthesize`, by the weights of this model, of slots (N, base + 2K, S) in place of those of `codes`, and
        differentiable by them."""
        slots, given = slots.to(self.device), codes.layout
        if given is None or not (given != OPEN).any():
            return self.generator(slots, truncation=truncation, mean_code=self.mean_code, classes=codes.present)
        generator: Any = self.generator
        if not hasattr(generator, "with_layout"):
            raise UserError(f"codes: have painted pixels, which a model of family {self.family} cannot draw")
        if given.shape[1:] != (generator.height, generator.width):
            sizes = [f"{width}x{height}" for height, width in (given.shape[1:], (generator.height, generator.width))]
            raise UserError(f"codes: their painted pixels are of pictures of {sizes[0]}; this model draws {sizes[1]}")
        return generator.with_layout(slots, given.to(self.device), truncation, self.mean_code, codes.present)

    def codes(
        self, n: int = 16, seed: int = 0, truncation: float = TRUNCATION, pictures: Sequence[int] | None = None
    ) -> Codes:
        """Random codes: the first n of a seed, or those with the numbers `pictures`.

        Picture number i depends on (seed, i, truncation) only. truncation: 1 keeps the full variety, 0 is the mean.
        """
        return draw_codes(self, n, seed=seed, truncation=truncation, pictures=pictures)

    def draw(self, codes: Codes | Sample | Samples, batch: int = 16, classes: Names | None = None) -> Samples:
        """The pictures of codes, or of the codes of samples, `batch` at a time.

        classes: compose these only, of those that a picture has.

        Raises UserError for codes of another model, and for an unknown class.
        """
        return draw(self, codes, batch=batch, classes=classes)

    def sample(
        self, n: int = 16, seed: int = 0, truncation: float = TRUNCATION, batch: int = 16,
        pictures: Sequence[int] | None = None,
    ) -> Samples:  # fmt: skip
        """Random pictures with their masks and codes: the first n of a seed, or those with the numbers `pictures`."""
        return self.draw(self.codes(n, seed, truncation, pictures), batch)

    def save(
        self, path: str | PathLike[str], about: Mapping[str, Any] | None = None, *, overwrite: bool = False
    ) -> Path:
        """Write config.json and model.safetensors to the folder `path`.

        about: plain values to keep with the model; default: those it was loaded with. overwrite: also write into a
        folder that holds anything but a saved model. Raises UserError for such a folder otherwise, and if writing
        fails.
        """
        folder = as_path("path", path)
        check_folder(folder, (CONFIG, WEIGHTS), overwrite=overwrite)
        return save(folder, self, self.about if about is None else about)

    def __repr__(self) -> str:
        size = f"{self.generator.width}x{self.generator.height}"
        return f"{type(self).__name__}(domain {self.domain!r}, {size}, {len(self.classes)} classes, {self.device})"


M = TypeVar("M", bound=Model)


@torch.no_grad()
def mean_code(generator: Generator, samples: int = 10_000, seed: int = 0) -> Tensor:
    """The mean of w over `samples` random z: (S,)."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(samples, generator.latent_channels, generator=draws)
    return generator.map(z.to(next(generator.parameters()).device)).mean(dim=0)


def load(path: str | PathLike[str], device: str | torch.device = "cpu", kind: type[M] = Model) -> M:  # type: ignore[assignment]
    """Load the model in `path`: a folder that `save` wrote, or a run (its `model/`); or a shipped model, by its name.

    kind: the class to make of it. Raises UserError naming the file that is missing, damaged or of another format, and
    for a name that is neither a folder's nor a shipped model's.
    """
    folder = model_folder(path) if isinstance(path, str) and path else as_path("path", path)
    if folder.is_file():
        inside = next(
            (home for home in folder.parents[:2] if (home / CONFIG).is_file() or (home / "model").is_dir()), None
        )
        raise UserError(f"{folder}: is a file; give the folder of its model or run{f', {inside}' if inside else ''}")
    if not (folder / CONFIG).is_file() and (folder / "model" / CONFIG).is_file():
        folder = folder / "model"
    if not (folder / CONFIG).is_file():
        where = "no such folder" if not folder.exists() else f"it has no {CONFIG} and no model/{CONFIG}"
        inside = max((found.parents[1] for found in folder.glob(f"*/model/{CONFIG}")), default=None)
        remedy = f"give a run in it, such as {inside}" if inside else "`composegan fit` and `Model.save` write one"
        raise UserError(f"{folder}: is not a saved model ({where}); {remedy}")
    facts, family, shapes = read_facts(folder / CONFIG)
    generator, mean, class_sets = read_weights(folder / WEIGHTS, family, facts["generator"], shapes)
    generator = generator.to(memory_format=torch.channels_last).requires_grad_(False).eval()
    classes = tuple(item["name"] for item in facts["classes"])
    colors = tuple(tuple(item["color"]) for item in facts["classes"])
    categories = tuple(item.get("category", "") for item in facts["classes"])
    about = facts.get("about") or {}
    model = kind(
        generator, facts["generator"], facts["domain"], classes, colors, mean, about, class_sets, family.name,
        categories=categories, folder=folder, ids=facts["ids"],
    )  # fmt: skip
    return model.to(device)
