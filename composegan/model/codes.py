"""Latent codes by class name, `codes["hair"].texture = other["hair"].texture`, and which classes a picture has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch
from torch import Tensor

from composegan.config.lists import names_of
from composegan.errors import Suggests, UserError, as_path, check_choice, nearest, shown, whole_number
from composegan.io.output import check_file
from composegan.model.class_codes import NONE, PARTS, ClassCodes, as_tensor, check_whole
from composegan.model.codes_file import CodesFile, read_codes, read_tuned, tuned_file, write_codes
from composegan.model.delta import Delta
from composegan.model.layout import check_layout, joined, moved_over
from composegan.model.picture_index import pictures_at
from composegan.model.space import check_space
from composegan.networks.layout import opened

if TYPE_CHECKING:
    from composegan.model.saved_model import Model

Names = str | Iterable[str]
"""Classes: one name, several names, text such as "hair,hat", or "all"."""


@dataclass(eq=False, repr=False)
class Codes(Suggests):
    """Latent codes of N pictures of one model, by class name.

    slots: (N, base + 2K, S), see `composegan.networks.slots`; classes: the K class names; space: fingerprint of the
    latent space, see `Model.space`; present: (N, K) bool, on the CPU, the classes that each picture has; tuned: the
    weights tuned to each picture (None: the model's own), empty if no picture has any, see `Model.invert`; class_codes:
    false for a model with one code for each layer of the whole picture, all of which are base codes; layout: (N, H, W)
    uint8, on the CPU, the label of each pixel whose class is painted, OPEN (255) where the codes decide; None if no
    picture has painted pixels, see `composegan.editing.paint`.
    `codes["hair"]` gives the codes of a class. `codes[0]`, `codes[2:5]` (views) and `codes[[0, 3]]` (a copy) select
    pictures and are `Codes` as well.
    """

    slots: Tensor
    classes: tuple[str, ...]
    space: str
    present: Tensor
    tuned: tuple[Delta | None, ...] = ()
    class_codes: bool = True
    layout: Tensor | None = None

    @classmethod
    def of(cls, model: Model, latent: Tensor, present: Tensor | None = None) -> Codes:
        """Copy w (N, S) or slots (N, base + 2K, S). present: (N, K), default all classes.

        Raises ValueError for another shape.
        """
        layout, width = model.generator.layout, model.generator.latent_channels
        if latent.dim() == 2:
            latent = latent[:, None].expand(-1, layout.slots, -1)
        if latent.dim() != 3 or latent.shape[1:] != (layout.slots, width):
            raise ValueError(
                f"latent of shape {tuple(latent.shape)}; expected (N, {width}) or (N, {layout.slots}, {width})"
            )
        there = torch.ones(len(latent), len(model.classes)) if present is None else present.cpu()
        slots = latent.detach().float().clone()
        return cls(slots, model.classes, model.space, there != 0, class_codes=layout.class_codes)

    @property
    def base_layers(self) -> int:
        """Number of base slots."""
        return self.slots.shape[1] - (2 * len(self.classes) if self.class_codes else 0)

    @property
    def base(self) -> Tensor:
        """The codes of pose and layout that all classes but the background share: (N, base, S), a view.

        Assign a tensor or array of shape (N, base, S), (1, base, S) or (base, S). Raises UserError as for a class.
        """
        return self._view(slice(self.base_layers))

    @base.setter
    def base(self, value: Tensor | np.ndarray) -> None:
        self._assign(slice(self.base_layers), value, "codes.base")

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "base" and (name in vars(self) or name not in self.__dataclass_fields__):
            raise AttributeError(
                f"codes.{name} cannot be assigned; assign codes.base, or codes[CLASS].shape or .texture"
            )
        object.__setattr__(self, name, value)

    def _view(self, which: int | slice) -> Tensor:
        """Slots as a view that carries the fingerprint of its latent space as the attribute `space`."""
        view = self.slots[:, which]
        vars(view)["space"] = self.space
        return view

    def _assign(self, which: int | slice, value: Any, label: str) -> None:
        """Copy values into slots. label: the beginning of the error line."""
        own, code = self.slots[:, which], as_tensor(value, label)
        if tuple(code.shape) not in (tuple(own.shape), (1, *own.shape[1:]), tuple(own.shape[1:])):
            raise UserError(f"{label}: shape {tuple(code.shape)} given; {tuple(own.shape)} is needed")
        if code.is_complex() or not code.isfinite().all():
            raise UserError(f"{label}: has values that are not finite real numbers")
        check_space(label, self.classes, getattr(value, "space", self.space), self)
        self.slots[:, which] = code.to(own)

    def __len__(self) -> int:
        return len(self.slots)

    def __contains__(self, name: object) -> bool:
        """Whether the model has the class. `codes[name].present` says which pictures show it."""
        return name in self.classes

    @overload
    def __getitem__(self, which: str) -> ClassCodes: ...
    @overload
    def __getitem__(self, which: int | slice | Sequence[int]) -> Codes: ...
    def __getitem__(self, which: str | int | slice | Sequence[int]) -> ClassCodes | Codes:
        if isinstance(which, str):
            return ClassCodes(self, self.index(which))
        which = pictures_at(which, len(self))
        which = slice(which, which + 1) if isinstance(which, int) else which
        tuned = tuple(self.tuned[i] for i in np.arange(len(self))[which]) if self.tuned else ()
        layout = None if self.layout is None else self.layout[which]
        return replace(self, slots=self.slots[which], present=self.present[which], tuned=tuned, layout=layout)

    def __setitem__(self, name: str, value: ClassCodes) -> None:
        """`codes["hair"] = other["hair"]` copies both codes, whether the class is present, and its painted pixels.

        Raises UserError for another key or value, another number of pictures, and codes of another model.
        """
        if not isinstance(name, str):
            raise UserError(f"codes[{name!r}] = ...: assign class by class, as in codes[0]['hair'] = other[0]['hair']")
        if not isinstance(value, ClassCodes):
            raise UserError(
                f"codes[{name!r}] = ...: a {type(value).__name__} given; assign a class, as in other[{name!r}]"
            )
        check_space("codes", value._codes.classes, value._codes.space, self)
        self[name].shape, self[name].texture, self[name].present = value.shape, value.texture, value.present
        if self.layout is not None or value._codes.layout is not None:
            taken = torch.zeros_like(self.present)
            taken[:, self.index(name)] = True
            object.__setattr__(self, "layout", moved_over(self, value._codes, taken))

    def __iter__(self) -> Iterator[Codes]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Codes({len(self)} pictures, {len(self.classes)} classes, latent space {self.space})"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.classes)

    def index(self, name: str) -> int:
        """Position of a class. Raises UserError offering the nearest name."""
        if not isinstance(name, str) or name not in self.classes:
            raise UserError(f"there is no class {shown(name)}; {nearest(name, self.classes)}")
        return self.classes.index(name)

    def clone(self) -> Codes:
        """A copy."""
        layout = None if self.layout is None else self.layout.clone()
        return replace(self, slots=self.slots.clone(), present=self.present.clone(), layout=layout)

    def untuned(self) -> Codes:
        """The same codes (views), to be drawn by a model's own weights instead of those tuned to each picture."""
        return replace(self, tuned=())

    def repeat(self, times: int) -> Codes:
        """A copy with all pictures repeated `times` times: N pictures -> N * times."""
        times = whole_number("times", times)
        slots, present = self.slots.repeat(times, 1, 1), self.present.repeat(times, 1)
        layout = None if self.layout is None else self.layout.repeat(times, 1, 1)
        return replace(self, slots=slots, present=present, tuned=self.tuned * times, layout=layout)

    def names(self, classes: Names) -> list[str]:
        """The names in what was given for classes. Raises UserError for an unknown one, offering the nearest."""
        return names_of(classes, self.classes)

    def having(self, add: Names = (), remove: Names = (), only: Names | None = None) -> Codes:
        """A copy whose pictures have the classes `add` and lack `remove`. only: keep at most these. Painted pixels of a
        class that is taken away are left to the codes.

        Raises UserError for an unknown class, and if a picture would be left without classes.
        """
        changed = self.clone()
        if only is not None:
            kept = torch.zeros(len(self.classes), dtype=torch.bool)
            kept[[self.index(name) for name in self.names(only)]] = True
            changed.present.logical_and_(kept)
        for names, there in ((add, True), (remove, False)):
            for name in self.names(names):
                changed.present[:, self.index(name)] = there
        if not self.class_codes and not changed.present.all():
            raise UserError(f"codes: {NONE}; it draws every class in every picture")
        if len(empty := (~changed.present.any(dim=1)).nonzero()):
            raise UserError(f"picture {int(empty[0])} would have no classes left; keep at least one")
        if changed.layout is not None:
            changed = replace(changed, layout=opened(changed.layout, changed.present))
        return changed

    def slots_of(self, classes: Names, part: Names = "both", base: bool = False) -> Tensor:
        """Mask of the slots of the classes' part ("shape", "texture" or "both"), and of the base: (base + 2K,) bool.

        Raises UserError for an unknown class or part.
        """
        chosen = torch.zeros(self.slots.shape[1], dtype=torch.bool)
        chosen[: self.base_layers] = base
        parts = list(part) if isinstance(part, (list, tuple)) else [part]
        for name in parts:
            check_choice("part", name, (*PARTS, "both"))
        names = self.names(classes)
        if not self.class_codes:
            check_whole(names, self.classes, part, base)
            return chosen
        for name in names:
            for offset, known in enumerate(PARTS):
                if known in parts or "both" in parts:
                    chosen[self.base_layers + 2 * self.index(name) + offset] = True
        return chosen

    def blend(self, other: Codes, amount: float | Tensor, chosen: Tensor | Names | None = None) -> Codes:
        """A copy moved towards `other`: 0 changes nothing, 1 takes its codes, above 1 extrapolates.

        amount: a number or (N,). chosen: classes, or a mask of slots (base + 2K,), see `slots_of`; None: all. `other`
        has N pictures or one. Where amount >= 0.5, classes whose shape code is chosen are present if they are in
        `other`, and painted where they are in `other`. Raises UserError for codes of another model and for an unknown
        class.
        """
        if not isinstance(other, Codes):
            raise UserError(f"other={shown(other)}: must be codes")
        check_space("codes", other.classes, other.space, self)
        if chosen is not None and not isinstance(chosen, Tensor):
            chosen = self.slots_of(chosen)
        if chosen is not None and (chosen.dtype, len(chosen)) != (torch.bool, self.slots.shape[1]):
            raise UserError(f"chosen={shown(chosen)}: must be classes, or a mask as from codes.slots_of")
        amount = self.per_picture("amount", amount)
        moved = torch.lerp(self.slots, other.slots.expand_as(self.slots), amount.expand_as(self.slots))
        if chosen is not None:
            moved = torch.where(chosen.to(moved.device)[None, :, None], moved, self.slots)
        taken = (amount.cpu().reshape(-1, 1) >= 0.5).expand_as(self.present)  # (N, K)
        if chosen is not None and self.class_codes:
            taken = taken & chosen[self.base_layers :: 2].cpu()  # (N, K), by shape codes
        present = torch.where(taken, other.present.expand_as(self.present), self.present)
        return replace(self, slots=moved.clone(), present=present, layout=moved_over(self, other, taken))

    def per_picture(self, name: str, value: float | Tensor) -> Tensor:
        """A number, or one per picture, as (1, 1, 1) or (N, 1, 1). Raises UserError for anything else."""
        numbers = as_tensor(value, name).to(self.slots).flatten()
        if len(numbers) not in (1, len(self)) or not numbers.isfinite().all():
            raise UserError(f"{name}={shown(value)}: must be a number, or one for each of {len(self)} pictures")
        return numbers.reshape(-1, 1, 1)

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write an npz file of `slots`, `classes`, `space`, `present` and, if any pixels are painted, `layout`.

        Weights tuned to a picture are named by their file, and written beside `path` if they have none yet.
        overwrite: also replace a file that holds anything but codes. Raises UserError for such a file otherwise, and if
        writing fails.
        """
        path = as_path("path", path)
        check_file(path, read_codes, overwrite)
        return self.write(path)

    def write(self, path: Path, pasted: str = "") -> Path:
        """Write the file as `save` does, over any other. pasted: see `CodesFile`."""
        tuned = tuple("" if delta is None else tuned_file(delta, path) for delta in self.tuned)
        tuned = tuned if any(tuned) else ()
        slots, present = self.slots.cpu().numpy(), self.present.numpy()
        layout = None if self.layout is None else self.layout.numpy()
        return write_codes(path, CodesFile(slots, self.classes, self.space, present, tuned, pasted, layout))

    @classmethod
    def load(cls, path: str | PathLike[str], model: Model) -> Codes:
        """Read what `save` wrote, onto the model's device. path: the file, or a folder with a codes.npz.

        Raises UserError if it is missing, damaged, or of other classes or another latent space.
        """
        path = as_path("codes", path)
        path = path / "codes.npz" if path.is_dir() else path
        slots, classes, space, present, tuned, _, layout = read_codes(path)
        class_codes = model.generator.layout.class_codes
        codes = cls(torch.from_numpy(slots), classes, space, torch.from_numpy(present), class_codes=class_codes)
        check_space(f"codes={path}", classes, space, model)
        wanted = (model.generator.layout.slots, model.generator.latent_channels)
        if slots.ndim != 3 or slots.shape[1:] != wanted or not len(slots) or not np.isfinite(slots).all():
            raise UserError(
                f"codes={path}: slots have shape {slots.shape} or are not finite; the model needs "
                f"(N, {wanted[0]}, {wanted[1]})"
            )
        if present.shape != (len(slots), len(classes)) or not present.any(axis=1).all():
            raise UserError(f"codes={path}: present has shape {present.shape}, or a picture has no classes")
        size = (model.generator.height, model.generator.width)
        if layout is not None:
            check_layout(f"codes={path}", layout, (len(slots), *size), len(classes))
            codes = replace(codes, layout=torch.from_numpy(layout))
        return replace(codes, slots=codes.slots.to(model.device), tuned=read_tuned(path, tuned))


def concat_codes(parts: Sequence[Codes]) -> Codes:
    """The pictures of all parts, one after another. Raises UserError if they belong to different models."""
    if not parts:
        raise UserError("concat needs at least one element")
    for part in parts:
        check_space("codes", part.classes, part.space, parts[0])
    slots = torch.cat([part.slots.to(parts[0].slots.device) for part in parts])
    tuned: list[Delta | None] = []
    for part in parts:
        tuned += part.tuned or [None] * len(part)
    present = torch.cat([part.present for part in parts])
    every = tuple(tuned) if any(tuned) else ()
    return replace(parts[0], slots=slots, present=present, tuned=every, layout=joined(parts))
