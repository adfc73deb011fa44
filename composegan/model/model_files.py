"""The two files of a saved model, `config.json` and `model.safetensors`. Nothing is ever unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.guarded import TEXT, read_json, reading
from composegan.io.tensor_file import read_safetensors
from composegan.networks.class_sets import ClassSets
from composegan.networks.generator import Generator
from composegan.plugin import registry
from composegan.plugin.contracts import FAMILY
from composegan.plugin.domain import DomainSpec, SemanticClass, name_problem
from composegan.plugin.label_scheme import numbered, read_ids, write_ids
from composegan.plugin.registry import Found

if TYPE_CHECKING:
    from composegan.model.saved_model import Model

FORMAT = 1
WEIGHTS, CONFIG = "model.safetensors", "config.json"


def save(folder: Path, model: Model, about: Mapping[str, Any] | None = None, dtype: torch.dtype | None = None) -> Path:
    """Write the model to `folder`, each file atomically. about: plain values to keep with it (images seen, recipe).

    dtype: to store the weights in, such as half precision, from which they are loaded as float32; None: as they are.
    Raises UserError if the disk is full or not writable.
    """
    weights = {f"generator.{name}": tensor.contiguous().cpu() for name, tensor in model.generator.state_dict().items()}
    weights["mean_code"] = model.mean_code.cpu()
    if dtype is not None:
        weights = {name: tensor.to(dtype) for name, tensor in weights.items()}
    if model.class_sets is not None:
        weights |= {f"class_sets.{name}": tensor for name, tensor in model.class_sets.to_tensors().items()}
    facts = {
        "format": FORMAT,
        "domain": model.domain,
        "classes": [
            {"name": item.name, "color": list(item.color), **({"category": item.category} if item.category else {})}
            for item in model.spec.classes
        ],
        **({"ids": write_ids(model.ids, model.classes)} if model.ids else {}),
        **({} if model.family == "paper" else {"family": model.family}),  # as before there were families
        "generator": dict(model.settings),
        "about": dict(about or {}),
    }
    for name, content in ((WEIGHTS, to_bytes(weights)), (CONFIG, json.dumps(facts, indent=2).encode() + b"\n")):
        with atomic_file(folder / name) as path:
            path.write_bytes(content)
    return folder


def read_facts(path: Path) -> tuple[dict[str, Any], Found, Generator]:
    """What `save` wrote there, the family of the networks (`paper` by default), and the generator on torch's meta
    device."""
    with reading(path, "a model's configuration"):
        facts = read_json(path, TEXT)
        if facts["format"] != FORMAT:
            raise UserError(f"{path}: format {str(facts['format'])[:40]}; this version of composegan reads {FORMAT}")
        classes = tuple(
            SemanticClass(item["name"], tuple(item["color"]), item.get("category", "")) for item in facts["classes"]
        )
        for name in (facts["domain"], *(item.category for item in classes if item.category != "")):
            if problem := name_problem(name):
                raise ValueError(f"domain or category {problem}")
        try:
            DomainSpec(facts["domain"], classes)  # validates names and colours
            facts["ids"] = read_ids(numbered(facts.get("ids", {})), [item.name for item in classes], "ids")
        except UserError as error:
            raise ValueError(str(error)) from error
        try:
            family = registry.require(facts.get("family", "paper"), FAMILY)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        family.plugin.check(facts["generator"])
        with torch.device("meta"):  # no memory until all weights are known to be there
            shapes: Generator = family.plugin.generator(facts["generator"])
        if len(classes) != shapes.classes or not isinstance(facts.get("about") or {}, dict):
            raise ValueError(f"{len(classes)} classes, but a generator of {shapes.classes}")
    return facts, family, shapes


def read_weights(
    path: Path, family: Found, settings: Mapping[str, Any], shapes: Generator
) -> tuple[Generator, Tensor, ClassSets | None]:
    """The generator with its weights, the mean code and the class sets. shapes: the generator on the meta device."""
    with reading(path, "weights of this model"):
        weights = read_safetensors(path)
        prefix = "class_sets."
        sets = {name.removeprefix(prefix): weights.pop(name) for name in list(weights) if name.startswith(prefix)}
        class_sets = ClassSets(**sets) if sets else None
        if class_sets and class_sets.sets.shape[1] != shapes.classes:
            raise ValueError(f"class sets of {class_sets.sets.shape[1]} classes, not {shapes.classes}")
        wanted = {f"generator.{name}": tensor.shape for name, tensor in shapes.state_dict().items()}
        _check_tensors(weights, {**wanted, "mean_code": torch.Size([shapes.latent_channels])})
        mean = weights.pop("mean_code").float()
        generator = family.plugin.generator(settings)
        generator.load_state_dict({name.removeprefix("generator."): tensor for name, tensor in weights.items()})
    return generator, mean, class_sets


def _check_tensors(tensors: Mapping[str, Tensor], wanted: Mapping[str, torch.Size]) -> None:
    """Raise ValueError unless names and shapes are those wanted and all values are finite."""
    for name in sorted(tensors.keys() ^ wanted.keys())[:1]:
        raise ValueError(f"{name} is {'missing' if name in wanted else 'not part of the model'}")
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name]:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}; {tuple(wanted[name])} is needed")
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise ValueError(f"{name} has values that are not finite, or is {tensor.dtype}")
