"""Latent codes by name: `codes["hair"].texture = other["hair"].texture`; and which classes a picture has."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from composegan.errors import UserError, first_line, nearest
from composegan.io.atomic import atomic_file
from composegan.io.guarded import check_archive, check_file

if TYPE_CHECKING:
    from composegan.model.saved_model import Model

FORMAT = 1
PARTS = ("shape", "texture")


class ClassCodes:
    """The two codes of one class in N pictures, and whether it is in them. Reading gives views, writing changes the
    codes they are of."""

    def __init__(self, slots: Tensor, first: int, present: Tensor, index: int) -> None:
        self._slots, self._first, self._present, self._index = slots, first, present, index

    @property
    def present(self) -> Tensor:
        """(N,) bool, on the CPU: whether the picture has the class."""
        return self._present[:, self._index]

    @present.setter
    def present(self, value: Tensor | bool) -> None:
        self._present[:, self._index] = value

    @property
    def shape(self) -> Tensor:
        """(N, S): outline and place."""
        return self._slots[:, self._first]

    @shape.setter
    def shape(self, value: Tensor) -> None:
        self._slots[:, self._first] = value

    @property
    def texture(self) -> Tensor:
        """(N, S): colour and surface."""
        return self._slots[:, self._first + 1]

    @texture.setter
    def texture(self, value: Tensor) -> None:
        self._slots[:, self._first + 1] = value


@dataclass(frozen=True)
class Codes:
    """Latent slots of N pictures of one model, by class name.

    slots: (N, base + 2K, S), see `composegan.networks.slots`; names: of the K classes; space: fingerprint of the latent
    space, see `Model.space`; present: (N, K) bool, on the CPU, the classes that each picture has, by default all.
    `codes["hair"]` is a class's codes; `codes[0]`, `codes[2:5]` (views) and `codes[[0, 3]]` (a copy) are some of the
    pictures, always N of them.
    """

    slots: Tensor
    names: tuple[str, ...]
    space: str
    present: Tensor = None  # becomes all classes

    def __post_init__(self) -> None:
        if self.present is None:
            object.__setattr__(self, "present", torch.ones(len(self.slots), len(self.names), dtype=torch.bool))

    @classmethod
    def of(cls, model: Model, latent: Tensor, present: Tensor | None = None) -> Codes:
        """From w (N, S) or slots (N, base + 2K, S), copied, with the classes `present` (N, K) or all.

        Raises ValueError for another shape.
        """
        layout = model.generator.layout
        if latent.dim() == 2:
            latent = latent[:, None].expand(-1, layout.slots, -1)
        if latent.dim() != 3 or latent.shape[1:] != (layout.slots, model.generator.latent_channels):
            wanted = f"(N, {model.generator.latent_channels}) or (N, {layout.slots}, {model.generator.latent_channels})"
            raise ValueError(f"latent of shape {tuple(latent.shape)}; expected {wanted}")
        present = None if present is None else present.cpu() != 0
        return cls(latent.detach().float().clone(), model.names, model.space, present)

    @property
    def base_layers(self) -> int:
        return self.slots.shape[1] - 2 * len(self.names)

    @property
    def base(self) -> Tensor:
        """(N, base_layers, S), a view: the codes that all classes but the background share; pose and layout."""
        return self.slots[:, : self.base_layers]

    def __len__(self) -> int:
        return len(self.slots)

    def __getitem__(self, which: str | int | slice | Sequence[int]) -> Any:
        if isinstance(which, str):
            return ClassCodes(self.slots, self._first(which), self.present, self.names.index(which))
        if isinstance(which, (int, np.integer)):
            position = range(len(self))[which]  # an IndexError for a picture that is not there
            which = slice(position, position + 1)
        return replace(self, slots=self.slots[which], present=self.present[which])

    def __setitem__(self, name: str, value: ClassCodes) -> None:
        """`codes["hair"] = other["hair"]`: both of its codes, and whether it is there."""
        self[name].shape, self[name].texture, self[name].present = value.shape, value.texture, value.present

    def __iter__(self) -> Iterator[Codes]:
        return (self[i] for i in range(len(self)))

    def clone(self) -> Codes:
        return replace(self, slots=self.slots.clone(), present=self.present.clone())

    def repeat(self, times: int) -> Codes:
        """All pictures `times` times over, a copy."""
        return replace(self, slots=self.slots.repeat(times, 1, 1), present=self.present.repeat(times, 1))

    def having(self, add: Iterable[str] = (), remove: Iterable[str] = (), only: Iterable[str] | None = None) -> Codes:
        """A copy whose pictures have the classes `add` and not `remove`; only: at most these.

        Raises UserError for a class that is not there, and when a picture would have none.
        """
        changed = self.clone()
        if only is not None:
            kept = torch.zeros(len(self.names), dtype=torch.bool)
            kept[[self._index(name) for name in only]] = True
            changed.present.logical_and_(kept)
        for names, there in ((add, True), (remove, False)):
            for name in names:
                changed.present[:, self._index(name)] = there
        if len(empty := (~changed.present.any(dim=1)).nonzero()):
            raise UserError(f"picture {int(empty[0])} would have none of its classes left; it needs at least one")
        return changed

    def slots_of(self, names: Iterable[str], parts: Iterable[str] = PARTS, base: bool = False) -> Tensor:
        """Which slots the named classes' parts ("shape", "texture") are, and the base ones: (base + 2K,) bool."""
        chosen = torch.zeros(self.slots.shape[1], dtype=torch.bool)
        chosen[: self.base_layers] = base
        for name in names:
            for part in parts:
                chosen[self._first(name) + PARTS.index(part)] = True
        return chosen

    def blend(self, other: Codes, amount: float | Tensor, chosen: Tensor | None = None) -> Codes:
        """A copy, moved towards `other`: 0 leaves as it is, 1 takes its codes, beyond goes on in that direction.

        amount: a number or (N,); chosen: (base + 2K,) bool of `slots_of`, None for all. `other` has N pictures or one.
        From one half on, the classes whose shape codes are chosen are there where they are in `other`.
        """
        amount = torch.as_tensor(amount, dtype=self.slots.dtype, device=self.slots.device).reshape(-1, 1, 1)
        moved = torch.lerp(self.slots, other.slots.expand_as(self.slots), amount.expand_as(self.slots))
        if chosen is not None:
            moved = torch.where(chosen.to(moved.device)[None, :, None], moved, self.slots)
        taken = (amount.cpu().reshape(-1, 1) >= 0.5).expand_as(self.present)  # (N, K)
        if chosen is not None:
            taken = taken & chosen[self.base_layers :: 2].cpu()  # (N, K), by shape codes
        present = torch.where(taken, other.present.expand_as(self.present), self.present)
        return replace(self, slots=moved.clone(), present=present)

    def save(self, path: str | Path) -> Path:
        """Write an npz of `slots`, `classes` and `space`. Raises UserError when it cannot be written."""
        path = Path(path)
        content = {"slots": self.slots.cpu().numpy(), "classes": np.array(self.names), "space": np.array(self.space)}
        content["present"] = self.present.numpy()
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, format=np.array(FORMAT), **content)
        return path

    @classmethod
    def load(cls, path: str | Path, model: Model) -> Codes:
        """What `save` wrote, on the model's device. `path`: the file, or a folder with a codes.npz.

        Raises UserError when it is missing, damaged, or of another vocabulary or latent space.
        """
        path = Path(path) / "codes.npz" if Path(path).is_dir() else Path(path)
        if not path.exists():
            raise UserError(f"codes={path}: there is no such file; `composegan sample` writes a codes.npz")
        try:
            check_file(path)
            if not zipfile.is_zipfile(path):  # numpy would take it for a pickle, and say how to load one
                raise ValueError("it is no npz file")
            check_archive(path)
            _check_claims(path)
            with np.load(path, allow_pickle=False) as content:
                if int(content["format"]) != FORMAT:
                    raise ValueError(f"format {content['format']}, not {FORMAT}")
                if content["slots"].dtype.kind != "f":
                    raise ValueError(f"slots are {content['slots'].dtype}, not floating-point numbers")
                slots = torch.from_numpy(content["slots"].astype(np.float32))
                names, space = tuple(map(str, content["classes"])), str(content["space"])
                present = content["present"] if "present" in content else np.ones((len(slots), len(names)))
                present = torch.from_numpy(present != 0)
        except Exception as error:  # in a damaged file anything can go wrong
            raise UserError(f"codes={path}: is damaged or not a file of codes ({first_line(error)})") from error
        if names != model.names:
            mine = ", ".join(sorted(set(names) ^ set(model.names))[:5]) or "another order"
            raise UserError(f"codes={path}: are of other classes than the model's (they differ in: {mine})")
        wanted = (model.generator.layout.slots, model.generator.latent_channels)
        if slots.dim() != 3 or slots.shape[1:] != wanted or not len(slots) or not slots.isfinite().all():
            raise UserError(
                f"codes={path}: have shape {tuple(slots.shape)}, the model takes (N, {wanted[0]}, {wanted[1]})"
            )
        if present.shape != (len(slots), len(names)) or not present.any(dim=1).all():
            raise UserError(f"codes={path}: do not say of each class if a picture has it, or that it has none")
        if space != model.space:
            raise UserError(
                f"codes={path}: are of another model (latent space {space}, this one's is {model.space}); "
                "draw or invert with the model that is to use them"
            )
        return cls(slots.to(model.device), names, space, present)

    def _index(self, name: str) -> int:
        if name not in self.names:
            raise UserError(f"there is no class {name!r}; {nearest(name, self.names)}")
        return self.names.index(name)

    def _first(self, name: str) -> int:
        return self.base_layers + 2 * self._index(name)


def _check_claims(path: Path) -> None:
    """Raises ValueError for an array that claims more numbers than the file has: numpy makes room for all of them."""
    with zipfile.ZipFile(path) as parts:
        for part in parts.infolist():
            with parts.open(part) as file:
                read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
                shape, _, kind = read[np.lib.format.read_magic(file)](file)
            if math.prod(shape) * kind.itemsize > part.file_size:
                raise ValueError(f"{part.filename} claims {math.prod(shape):,} values, more than it has")


def draw_codes(
    model: Model, n: int = 16, *, seed: int = 0, truncation: float = 1.0, pictures: Sequence[int] | None = None
) -> Codes:
    """Codes of n pictures; that of number i depends on (seed, i, truncation) only, whatever n is.

    pictures: their numbers, instead of the first n. truncation: 1 leaves codes as they are, 0 gives the mean. A model
    that was trained on class sets gives each picture one of them.
    """
    numbers = list(range(n)) if pictures is None else list(pictures)
    if not numbers:
        raise UserError(f"n={n}: at least 1 is needed")
    draws = torch.Generator().manual_seed(seed)
    # One by one, as torch draws the last numbers of a tensor differently from those in its middle.
    z = [torch.randn(model.generator.latent_channels, generator=draws) for _ in range(max(numbers) + 1)]
    with torch.inference_mode():
        w = model.generator.map(torch.stack([z[i] for i in numbers]).to(model.device))  # (N, S)
        w = model.mean_code + truncation * (w - model.mean_code)
    return Codes.of(model, w, draw_present(model, numbers, seed))


def draw_present(model: Model, numbers: Sequence[int], seed: int) -> Tensor | None:
    """The class sets of the pictures `numbers` of a seed, (N, K) bool; None: all have all classes."""
    if model.class_sets is None:
        return None
    draws = torch.Generator().manual_seed(seed)
    u = torch.tensor([torch.rand((), generator=draws) for _ in range(max(numbers) + 1)])
    return model.class_sets.at(u[list(numbers)])


def mean_codes(model: Model) -> Codes:
    """The mean code, as one picture, with the classes that most pictures have."""
    return Codes.of(model, model.mean_code[None], usual_present(model))


def usual_present(model: Model, pictures: int = 1) -> Tensor | None:
    """The classes that at least half of the data's pictures have, or the most frequent one: (pictures, K) bool."""
    if model.class_sets is None:
        return None
    share = model.class_sets.counts @ model.class_sets.sets.double() / model.class_sets.counts.sum()  # (K)
    return (share >= min(0.5, share.max()))[None].repeat(pictures, 1)
