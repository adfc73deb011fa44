"""A trained generator as a folder of two files: `model.safetensors` and `config.json`. Nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from composegan.errors import UserError, nearest
from composegan.io.atomic import atomic_file
from composegan.io.guarded import TENSORS, TEXT, check_file, read_json
from composegan.model.generator_settings import check_settings
from composegan.networks.class_sets import ClassSets
from composegan.networks.generator import Generator, Synthesis
from composegan.plugin.domain import DomainSpec, SemanticClass

FORMAT = 1
WEIGHTS, CONFIG = "model.safetensors", "config.json"


@dataclass(frozen=True)
class Model:
    """A generator with what is needed to use it.

    settings: keyword arguments of `Generator`; names, colors: of the classes, in order of label value;
    mean_code: (S,), the mean of many w, where truncation pulls to; domain: the name of its domain;
    about: plain values that were saved with it, such as the images it has seen. class_sets: those that it was trained
    on, of which drawn codes take theirs; None where every picture had all classes.
    """

    generator: Generator
    settings: Mapping[str, Any]
    domain: str
    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    mean_code: Tensor
    about: Mapping[str, Any] = field(default_factory=dict)
    class_sets: ClassSets | None = None

    @property
    def device(self) -> torch.device:
        return self.mean_code.device

    @cached_property
    def space(self) -> str:
        """A short fingerprint of the latent space, which is what the mapping network makes: models with the same one
        (a model and what was adapted or tuned from it) can exchange codes."""
        digest = hashlib.sha256()
        for tensor in self.generator.mapping.state_dict().values():
            digest.update(tensor.float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]

    @property
    def spec(self) -> DomainSpec:
        """Name, classes and colours of its domain, as far as the model knows them."""
        classes = (SemanticClass(*item) for item in zip(self.names, self.colors, strict=True))
        return DomainSpec(self.domain, tuple(classes))

    def index(self, name: str) -> int:
        """The label value of a class. Raises UserError offering the nearest name."""
        if name not in self.names:
            raise UserError(f"the model has no class {name!r}; {nearest(name, self.names)}")
        return self.names.index(name)

    def to(self, device: str | torch.device) -> Model:
        """The same model on another device; the generator is moved, not copied."""
        self.generator.to(device)
        return replace(self, mean_code=self.mean_code.to(device))

    def with_delta(self, delta: Any) -> Model:
        """The model with tuned weights, a file that `invert` wrote; see `composegan.model.delta`."""
        from composegan.model.delta import with_delta

        return with_delta(self, delta)

    @torch.inference_mode()
    def synthesize(self, codes: Any, truncation: float = 1.0, classes: Tensor | None = None) -> Synthesis:
        """codes: `Codes`, with the classes they have, or a tensor, see `Generator.forward`: w (B, S), slots or expanded
        codes, with `classes` (B, K) bool or all -> image, mask, coarse mask, depth."""
        if not isinstance(codes, Tensor):
            codes, classes = codes.slots, codes.present
        codes = codes.to(self.device)
        return self.generator(codes, truncation=truncation, mean_code=self.mean_code, classes=classes)

    def codes(self, n: int = 16, seed: int = 0, truncation: float = 1.0, pictures: Sequence[int] | None = None) -> Any:
        """Random codes by name, see `composegan.model.codes`: the first n of a seed, or those with the numbers
        `pictures`."""
        from composegan.model.codes import draw_codes

        return draw_codes(self, n, seed=seed, truncation=truncation, pictures=pictures)

    def draw(self, codes: Any, batch: int = 16, **how: Any) -> Any:
        """The pictures of codes, with masks, see `composegan.model.sample.draw`."""
        from composegan.model.sample import draw

        return draw(self, codes, batch=batch, **how)

    def sample(self, n: int = 16, seed: int = 0, truncation: float = 1.0, batch: int = 16) -> Any:
        """n pictures with masks and codes, see `composegan.model.sample.Samples`."""
        return self.draw(self.codes(n, seed, truncation), batch)


@torch.no_grad()
def mean_code(generator: Generator, samples: int = 10_000, seed: int = 0) -> Tensor:
    """The mean of w over `samples` random z: (S,)."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(samples, generator.latent_channels, generator=draws)
    return generator.map(z.to(generator.slot_of_code.device)).mean(dim=0)


def save(folder: Path, model: Model, about: Mapping[str, Any] | None = None) -> Path:
    """Write the model to `folder`, each file in one move. about: plain values to keep beside it (images seen, run).

    Raises UserError when the disk is full or not writable.
    """
    weights = {f"generator.{name}": tensor.contiguous().cpu() for name, tensor in model.generator.state_dict().items()}
    weights["mean_code"] = model.mean_code.cpu()
    if model.class_sets is not None:
        weights |= {f"class_sets.{name}": tensor for name, tensor in model.class_sets.to_tensors().items()}
    facts = {
        "format": FORMAT,
        "domain": model.domain,
        "classes": [{"name": n, "color": list(c)} for n, c in zip(model.names, model.colors, strict=True)],
        "generator": dict(model.settings),
        "about": dict(about or {}),
    }
    for name, content in ((WEIGHTS, to_bytes(weights)), (CONFIG, json.dumps(facts, indent=2).encode() + b"\n")):
        with atomic_file(folder / name) as path:
            path.write_bytes(content)
    return folder


def load(path: str | PathLike[str], device: str | torch.device = "cpu") -> Model:
    """The model in `path`: a folder that `save` wrote, or a run (its `model/`).

    Raises UserError naming the file that is missing, damaged or of another format.
    """
    folder = Path(path)
    if not (folder / CONFIG).is_file() and (folder / "model" / CONFIG).is_file():
        folder = folder / "model"
    if not (folder / CONFIG).is_file():
        where = "there is no such folder" if not folder.exists() else f"no {CONFIG} and no model/{CONFIG} in it"
        raise UserError(f"{folder}: is not a saved model ({where})")
    facts, shapes = _read_config(folder / CONFIG)
    generator, mean, class_sets = _read_weights(folder / WEIGHTS, shapes, facts["generator"])
    generator = generator.to(memory_format=torch.channels_last).requires_grad_(False).eval()
    names = tuple(item["name"] for item in facts["classes"])
    colors = tuple(tuple(item["color"]) for item in facts["classes"])
    about = facts.get("about") or {}
    return Model(generator, facts["generator"], facts["domain"], names, colors, mean, about, class_sets).to(device)


def _read_config(path: Path) -> tuple[dict[str, Any], Generator]:
    """What `save` wrote there, and a generator of those settings on torch's device without memory."""
    try:
        facts = read_json(path, TEXT)
        if facts["format"] != FORMAT:
            raise UserError(f"{path}: format {str(facts['format'])[:40]}; this version of composegan reads {FORMAT}")
        classes = tuple(SemanticClass(item["name"], tuple(item["color"])) for item in facts["classes"])
        if not all(isinstance(text, str) for text in (facts["domain"], *(item.name for item in classes))):
            raise ValueError("names are not texts")
        DomainSpec(facts["domain"], classes)  # which looks at names and colours
        check_settings(facts["generator"])
        with torch.device("meta"):  # it takes no memory until all of its weights are known to be there
            shapes = Generator(**facts["generator"])
        if len(classes) != shapes.classes or not isinstance(facts.get("about") or {}, dict):
            raise ValueError(f"{len(classes)} classes, but a generator of {shapes.classes}")
    except UserError as error:
        if str(error).startswith(str(path)):
            raise
        raise UserError(f"{path}: is damaged or not a model's ({error})") from error
    except Exception as error:  # in a file that anybody may have written anything can go wrong
        raise UserError(f"{path}: is damaged or not a model's ({_one_line(error)})") from error
    return facts, shapes


def _read_weights(
    path: Path, shapes: Generator, settings: Mapping[str, Any]
) -> tuple[Generator, Tensor, ClassSets | None]:
    """The generator with its weights, the mean code and the class sets. shapes: the generator without memory."""
    try:
        check_file(path, TENSORS)
        weights = load_file(path)
        prefix = "class_sets."
        sets = {name.removeprefix(prefix): weights.pop(name) for name in list(weights) if name.startswith(prefix)}
        class_sets = ClassSets(**sets) if sets else None
        if class_sets and class_sets.sets.shape[1] != shapes.classes:
            raise ValueError(f"class sets of {class_sets.sets.shape[1]} classes, of {shapes.classes}")
        wanted = {f"generator.{name}": tensor.shape for name, tensor in shapes.state_dict().items()}
        _check_tensors(weights, {**wanted, "mean_code": torch.Size([shapes.latent_channels])})
        mean = weights.pop("mean_code").float()
        generator = Generator(**settings)
        generator.load_state_dict({name.removeprefix("generator."): tensor for name, tensor in weights.items()})
    except Exception as error:  # in a damaged file anything can go wrong
        raise UserError(f"{path}: is missing, damaged or of another model ({_one_line(error)})") from error
    return generator, mean, class_sets


def _check_tensors(tensors: Mapping[str, Tensor], wanted: Mapping[str, torch.Size]) -> None:
    """Raises ValueError unless they are those that are wanted, of their shapes and of finite numbers."""
    for name in sorted(tensors.keys() ^ wanted.keys())[:1]:
        raise ValueError(f"{name} is {'missing' if name in wanted else 'of no such model'}")
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name]:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}; {tuple(wanted[name])} is needed")
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise ValueError(f"{name} has numbers that are not finite, or are {tensor.dtype}")


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
