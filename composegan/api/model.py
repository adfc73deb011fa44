"""A loaded model with everything that can be done with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch

from composegan.api.evaluation import EvaluationResult, evaluate_model, metric_names, open_domain_of
from composegan.api.held_out import held_out_images
from composegan.api.photos import fit_masks, fit_photos
from composegan.config.inversion import InversionConfig
from composegan.config.lists import names_of
from composegan.config.schema import DataConfig
from composegan.config.settings import typed
from composegan.data.framing import Framed, parse_crop
from composegan.editing import AMOUNT, WITH_AMOUNT
from composegan.editing.components import Components, components
from composegan.editing.directions.find import find_directions
from composegan.editing.directions.store import Directions
from composegan.editing.edit import Edit, Region, compare, edit_codes
from composegan.editing.encoder.encode import encode
from composegan.editing.encoder.encoder_file import find_encoder
from composegan.editing.find_frame import framer
from composegan.editing.interpolation import loop, write_frames
from composegan.editing.invert import Inverted, invert, tensors_of
from composegan.editing.layers import Layers, layers
from composegan.editing.likeness import references_of
from composegan.editing.mix import Mixed, mix
from composegan.editing.no_effect import no_effect
from composegan.editing.paint import differing, move_codes, paint_codes
from composegan.editing.recolor import color_of, recolor_codes
from composegan.editing.target import Target
from composegan.errors import UserError, as_path, check_flags, check_positive, check_truncation, shown, whole_number
from composegan.io.output import check_file
from composegan.model import TRUNCATION, saved_model
from composegan.model.codes import Codes, Names, concat_codes
from composegan.model.sample import Sample, Samples, codes_of, concat_samples, pictures_of
from composegan.plugin import registry

Pictures = Codes | Sample | Samples
"""Pictures of a model by their codes; samples stand for theirs."""


class Model(saved_model.Model):
    """A trained model. `composegan.load` returns one.

    Wherever a method takes `classes`, `part` is "shape" (outline and position), "texture" (color and surface) or
    "both", and `base` is whether the base codes (pose and layout, shared by all classes) take part as well.
    `truncation` (of random codes) is 1 for the full variety and 0 for the mean picture.
    """

    def edit(
        self,
        codes: Pictures,
        classes: Names,
        *,
        part: str = "both",
        base: bool = False,
        method: str = "resample",
        seed: int = 1,
        amount: float | None = None,
        other: Pictures | None = None,
        truncation: float = TRUNCATION,
        composite: bool = True,
        photos: np.ndarray | Sequence[Framed] | None = None,
        force: bool = False,
        batch: int = 16,
    ) -> Edit:
        """Change some classes of N pictures, and measure how much of the change falls outside them (the leakage).

        method: "resample" draws new codes from seed; "copy" takes those of `other` (one picture or N; default: drawn
        from seed); "interpolate" moves towards them, by amount in 0..1; "scale" moves towards the mean (amount below
        1) or away from it; "add" and "remove" change which classes are present. amount: default, 0.5. composite: paste
        the edited classes into the pictures before, so that nothing else changes: into photos, (N, H, W, 3) uint8, if
        given, or into the pictures of another edit, as in `model.edit(edit.after, "hat")`. photos may also be the
        `photos` of an inversion: the edit is then carried back into them as well, at their own size (`after.photos`).
        Raises UserError for an unknown class, part or method, for an amount or `other` that the method does not use,
        for codes of another model, and, unless `force`, for an edit that has no effect.
        """
        target, before = Target.of(self, classes, part, base), codes_of(codes)
        other = None if other is None else codes_of(other)
        after = edit_codes(self, before, target, method, amount=amount, other=other, seed=seed, truncation=truncation)
        amount = AMOUNT if amount is None and method in WITH_AMOUNT else amount
        edit = compare(
            self, pictures_of(codes, self), after, None if base else target.classes, composite=composite, photos=photos,
            batch=batch, about={"method": method, "part": part, "base": base, "amount": amount, "seed": seed},
        )  # fmt: skip
        return self._checked(edit, before, after, method, force)

    def paint(
        self,
        codes: Pictures,
        mask: Any,
        classes: Names | None = None,
        *,
        composite: bool = True,
        photos: np.ndarray | Sequence[Framed] | None = None,
        force: bool = False,
        batch: int = 16,
    ) -> Edit:
        """Draw pictures whose layout is a label map: `model.paint(codes, "mask.png").after`.

        mask: a file in the classes' colours or numbers, transparent or 255 where the codes decide; an array (H, W) or
        (N, H, W) of uint8 class numbers, such as `samples.labels`; or a PIL image, or a list of these, one for each
        picture. classes: take only these from the mask; the others stay. composite, photos: as of `edit`, of the pixels
        whose class changes or, with `classes`, of theirs.
        The codes after keep the painted pixels (`Codes.layout`), so that edits, mixtures and files of them do; of a
        model whose family cannot compose a layout, shape codes are searched.
        Raises UserError for a mask of another size, numbers or colours that are no class, and, unless `force`, without
        effect.
        """
        before = codes_of(codes)
        masks = fit_masks(mask, self.spec, self.generator.height, self.generator.width)
        names = None if classes is None else Target.of(self, classes).classes
        after = paint_codes(self, before, masks, names)
        start = pictures_of(codes, self)
        if len(after) > len(before):
            start = start[[0] * len(after)] if isinstance(start, Samples) else before.repeat(len(after))
        changed: Sequence[str] | None = names
        region: Region = "both"
        if names is None:
            changed, region = differing(self, codes_of(start), after), "changed"
        edit = compare(
            self, start, after, changed, composite=composite, region=region, photos=photos, batch=batch,
            about={"method": "paint"},
        )  # fmt: skip
        return self._checked(edit, codes_of(start), after, "paint", force)

    def move(
        self,
        codes: Pictures,
        classes: Names,
        dx: float = 0.0,
        dy: float = 0.0,
        *,
        scale: float = 1.0,
        composite: bool = True,
        photos: np.ndarray | Sequence[Framed] | None = None,
        force: bool = False,
        batch: int = 16,
    ) -> Edit:
        """Move classes together by dx pixels to the right and dy down, and scale them about their centre.

        They cover what they move over; what they leave is filled by what is around it. The other arguments, and the
        result, are as of `paint`.
        """
        before, target = codes_of(codes), Target.of(self, classes)
        after = move_codes(self, before, target, dx, dy, scale)
        edit = compare(
            self, pictures_of(codes, self), after, target.classes, composite=composite, region="both", photos=photos,
            batch=batch, about={"method": "move", "dx": dx, "dy": dy, "scale": scale},
        )  # fmt: skip
        return self._checked(edit, before, after, "move", force)

    def recolor(
        self,
        codes: Pictures,
        classes: Names,
        color: str | Sequence[int],
        *,
        composite: bool = True,
        photos: np.ndarray | Sequence[Framed] | None = None,
        force: bool = False,
        batch: int = 16,
    ) -> Edit:
        """Give classes a mean colour, by the smallest change of their texture codes.

        color: "#a04020", a name such as "teal", or red, green and blue, 0..255. The other arguments are as of `edit`.
        Raises UserError for an unknown class or colour and, unless `force`, for an edit that has no effect.
        """
        before, target, wanted = codes_of(codes), Target.of(self, classes, "texture"), color_of(color)
        after = recolor_codes(self, before, target, wanted, batch)
        edit = compare(
            self, pictures_of(codes, self), after, target.classes, composite=composite, photos=photos, batch=batch,
            about={"method": "recolor", "color": list(wanted)},
        )  # fmt: skip
        return self._checked(edit, before, after, "recolor", force)

    def _checked(self, edit: Edit, before: Codes, after: Codes, method: str, force: bool) -> Edit:
        """The edit. Raises UserError if it has no effect, unless it is forced."""
        reason, _ = no_effect(self, edit, before, after, method)
        if reason and not force:
            raise UserError(f"{reason} (force=True edits all the same)")
        return edit

    def compare(self, before: Pictures, after: Pictures, classes: Names | None = None, composite: bool = True) -> Edit:
        """Measure an edit made by hand. classes: those that were changed; None: all. Otherwise as `edit`."""
        names = None if classes is None else Target.of(self, classes).classes
        return compare(self, pictures_of(before, self), codes_of(after), names, composite=composite)

    def mix(
        self,
        rows: Pictures,
        columns: Pictures,
        classes: Names,
        *,
        part: str = "both",
        base: bool = False,
        batch: int = 16,
    ) -> Mixed:
        """A grid of R x C pictures: row r with the named classes of column c."""
        return mix(self, codes_of(rows), codes_of(columns), Target.of(self, classes, part, base), batch=batch)

    def components(self, codes: Pictures, classes: Names = "all") -> Components:
        """One picture composed class by class, in the order of `classes`, with pseudo-depth. codes: of one picture."""
        codes = codes_of(codes)
        if len(codes) != 1:
            raise UserError(f"codes: {len(codes)} pictures given; choose one, as in codes[0]")
        return components(self, codes, names_of(classes, self.classes, self.groups))

    def layers(self, codes: Pictures) -> Layers:
        """One picture as layers, RGBA per class at full size, from back to front: `model.layers(codes)["hair"]`.

        Laid over one another they are the picture, within one grey level; a class that another one covers has its own
        colours and outline there. codes: of one picture. Raises UserError for a model without layers: only those of
        `model.family=modern` have any.
        """
        codes = codes_of(codes)
        if len(codes) != 1:
            raise UserError(f"codes: {len(codes)} pictures given; choose one, as in codes[0]")
        return layers(self, codes)

    def interpolate(
        self,
        codes: Pictures,
        path: str | PathLike[str],
        classes: Names = "all",
        *,
        part: str = "both",
        base: bool = True,
        seconds: float | None = None,
        rate: int = 24,
        masks: bool = True,
        size: int = 256,
        batch: int = 16,
        overwrite: bool = False,
    ) -> Path:
        """Write an endless loop through N >= 2 pictures, in which the named classes change smoothly; returns the path.

        path: an .mp4 or .gif. seconds: length, rounded to whole frames between two pictures; default: 24 frames
        between two. rate: frames per second. masks: beside the pictures. size: small pictures are enlarged to at least
        this many pixels on the shorter side. overwrite: replace the file `path`. Raises UserError if it exists
        otherwise.
        """
        codes, size, path = codes_of(codes), whole_number("size", size, least=1), as_path("path", path)
        check_file(path, overwrite=overwrite)
        check_flags(masks=masks)
        for name, value in (("rate", rate), ("seconds", 1 if seconds is None else seconds)):
            check_positive(name, value)
        between = 24 if seconds is None else max(1, round(seconds * rate / len(codes)))
        frames = loop(codes, Target.of(self, classes, part, base), between)
        return write_frames(self, frames, path, rate=rate, masks=masks, least=size, batch=batch)

    def directions(
        self,
        classes: Names,
        *,
        part: str = "both",
        base: bool = False,
        method: str = "pca",
        count: int = 5,
        attribute: str | None = None,
        weights: str | PathLike[str] | None = None,
        labels: str | PathLike[str] | None = None,
        codes: Pictures | None = None,
        n: int = 2000,
        seed: int = 0,
        truncation: float = TRUNCATION,
        measured_on: int = 64,
        batch: int = 16,
    ) -> Directions:
        """Find directions in the codes of classes, by name: `found["hair.texture.sefa0"].apply(codes, 2.0)`.

        method: "pca" (where codes vary most) and "sefa" (what the weights respond to most) find `count`; "boundary"
        finds one, towards an attribute such as "area(hair)" of n random pictures, or towards the codes that the CSV
        file `labels` labels 1. weights: of attribute="classifier(NETWORK:CLASS)". measured_on: pictures at which the
        effect is measured, in `direction.facts["effect"]`; 0: none. Raises UserError, see `find_directions`.
        """
        n, count = whole_number("n", n, least=10), whole_number("count", count, least=1)
        seed, measured_on = whole_number("seed", seed), whole_number("measured_on", measured_on)
        batch = whole_number("batch", batch, least=1)
        if attribute is not None and not isinstance(attribute, str):
            raise UserError(f"attribute={shown(attribute)}: must be text, such as 'area(hair)'")
        check_truncation(truncation)
        codes = None if codes is None else codes_of(codes)
        found = find_directions(
            self, Target.of(self, classes, part, base), method, count=count, attribute=attribute,
            weights=_path("weights", weights), labels=_path("labels", labels), codes=codes, n=n, seed=seed,
            truncation=truncation, batch=batch, measured_on=measured_on,
        )  # fmt: skip
        return Directions.of(self, found)

    def invert(self, photos: Any, masks: Any = None, *, crop: str = "auto", **settings: Any) -> Inverted:
        """Find the codes of photos, and weights tuned to each: `model.invert("me.jpg", tune_steps=100)`.

        With an encoder in the model's folder, its codes are refined by a few steps and weights are tuned only if
        tune_steps is given; a photo that is unlike the model's data is logged as a warning.

        photos: a file, a folder, a PIL image, an array (H, W, 3) uint8, or a list of these. crop: the part of each, see
        `composegan invert`: "auto" searches for it if the centre is unlike the model's data, "center", "find", or
        "x,y,width" in pixels. masks: as photos, with class indices (H, W) or, in files, class colours. settings:
        those of `composegan invert` (`composegan.config.inversion`), such as steps, tune_steps, recipe.
        Raises UserError for photos and settings that cannot be used.
        """
        how = InversionConfig(**typed(InversionConfig, settings, see="composegan invert --help"))
        parse_crop(crop)
        references = references_of(self, held_out_images)
        images, labels, framed = fit_photos(
            photos, masks, self.spec, self.generator.height, self.generator.width, framer(crop, references)
        )
        return replace(invert(self, images, labels, how, references=references), photos=framed)

    def encode(self, photos: Any, masks: Any = None, *, encoder: str | PathLike[str] = "") -> Codes:
        """The codes of photos by the model's encoder, in one forward pass: `model.encode("me.png", "me_mask.png")`.

        photos, masks: see `invert`. Without a mask the encoder also finds which classes a photo has. encoder: a file or
        folder that `composegan encoder` wrote; default, the one in the model's folder. Raises UserError if there is
        none, for an encoder of another model, and for photos that cannot be used.
        """
        images, labels, _ = fit_photos(photos, masks, self.spec, self.generator.height, self.generator.width)
        found = find_encoder(self, str(as_path("encoder", encoder)) if encoder else "")
        if found is None:
            raise UserError("the model has no encoder; train one with `composegan encoder`, or use model.invert")
        return encode(self, found, *tensors_of(self, images, labels))

    def evaluate(
        self,
        data: str | PathLike[str] | None = None,
        metrics: Names = "all",
        *,
        domain: str = "",
        plugin_path: str | PathLike[str] | None = None,
        n: int = 1000,
        seed: int = 0,
        truncation: float = 1.0,
        batch: int = 32,
        **settings: Any,
    ) -> EvaluationResult:
        """Compare n random pictures with real ones: `model.evaluate("pets", metrics=["FSD"])["FSD"]`.

        data: folder of images and labels, as data.root of `composegan fit`; None: the demo of the domain. domain: name
        or YAML file of the domain whose images they are, as in `domain="pets.yaml"`; default, the model's, which must
        be installed unless the run that holds the model keeps it. plugin_path: folder of a plug-in that is not
        installed. settings: other settings of the section data, such as split or demo.
        Raises UserError for unknown metrics, a domain of other classes, and data that cannot be read.
        """
        n, seed = whole_number("n", n, least=2), whole_number("seed", seed)
        batch = whole_number("batch", batch, least=1)
        check_truncation(truncation)
        settings = typed(DataConfig, settings, see="composegan evaluate --help")
        if plugin_path is not None:
            registry.add_plugin_path(as_path("plugin_path", plugin_path))
        wanted = ",".join(metric_names(_text(metrics)))  # before the domain is opened
        size = {"height": self.generator.height, "width": self.generator.width}
        config = DataConfig(**{**size, **settings, "root": None if data is None else str(as_path("data", data))})
        if not isinstance(domain, str):
            raise UserError(f"domain={shown(domain)}: must be the name of a domain, or the path of its YAML")
        plugin = open_domain_of(self, domain)
        return evaluate_model(self, plugin, config, wanted, n=n, seed=seed, truncation=truncation, batch=batch)


def load(path: str | PathLike[str], device: str | torch.device = "cpu") -> Model:
    """Load the model in `path`: a model folder, a run folder (its averaged generator), or the name of a shipped model.

    Names are given as text: `load("faces")` is the model of `composegan.models()`, `load("./faces")` a folder.
    Raises UserError naming the file that is missing, damaged or of another format, and for an unknown name.
    """
    return saved_model.load(path, device, Model)


@overload
def concat(parts: Sequence[Codes]) -> Codes: ...
@overload
def concat(parts: Sequence[Samples]) -> Samples: ...
def concat(parts: Sequence[Any]) -> Codes | Samples:
    """Join codes, or samples, of one model: the pictures of all parts, one after another.

    Raises UserError for an empty sequence, for a mixture of codes and samples, and for parts of different models.
    """
    parts = list(parts) if isinstance(parts, Iterable) else [parts]
    kinds = {type(part) for part in parts}
    if len(kinds) > 1 or not kinds <= {Codes, Samples}:
        given = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise UserError(f"concat takes codes only, or samples only; given: {given}")
    return concat_samples(parts) if Samples in kinds else concat_codes(parts)


def _text(names: Names) -> str:
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise UserError(f"metrics={shown(names)}: must be the name of a metric, or several")
    return ",".join(names)


def _path(name: str, path: str | PathLike[str] | None) -> Path | None:
    return None if path is None else as_path(name, path)
