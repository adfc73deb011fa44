"""An encoder as one file, `encoder.safetensors`: its weights in half precision, and what it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_bytes

from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.guarded import reading
from composegan.io.schema import COUNT, FLAG, NUMBER, STRING, Each, check
from composegan.io.tensor_file import read_safetensors_about
from composegan.model.delta import hash_of
from composegan.model.saved_model import Model
from composegan.networks.encoder import Encoder

FORMAT, ABOUT, ENCODER = 1, "composegan.encoder", "encoder.safetensors"
SCHEMA = {
    "format": COUNT, "model": STRING, "backbone": STRING, "channels": COUNT, "token": COUNT, "depth": COUNT,
    "class_codes": FLAG, "figures": Each(NUMBER), "usual": [NUMBER], "settings": {},
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class TrainedEncoder:
    """An encoder that belongs to a model.

    network: in evaluation mode; model: fingerprint of that model's weights; backbone: timm's name; figures: measured on
    held-out pictures; usual: sorted perceptual distances of these to the pictures of their codes, see
    `composegan.editing.encoder.unlike`; settings: plain values of its training.
    """

    network: Encoder
    model: str
    backbone: str
    figures: Mapping[str, float] = field(default_factory=dict)
    usual: tuple[float, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of all weights."""
        return hash_of(self.network.state_dict())


def new_network(model: Model, backbone: str, pretrained: bool = False, **sizes: int) -> Encoder:
    """An untrained encoder for the model. Raises UserError for a backbone that cannot be used."""
    layout = model.generator.layout
    classes = len(model.classes)
    try:
        return Encoder(
            classes=classes, base=layout.slots - 2 * classes * layout.class_codes, class_codes=layout.class_codes,
            latent_channels=model.generator.latent_channels, backbone=backbone, pretrained=pretrained, **sizes,
        )  # fmt: skip
    except Exception as error:  # timm raises anything
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(
            f"backbone={backbone}: cannot be used ({reason}); use a convolutional network of timm, such as lcnet_075"
        ) from error


def write_encoder(path: Path, trained: TrainedEncoder) -> Path:
    """Write the file, complete or not at all. Raises UserError if the disk is full or not writable."""
    network = trained.network
    facts = {
        "format": FORMAT,
        "model": trained.model,
        "backbone": trained.backbone,
        "class_codes": network.class_codes,
        **network.sizes,
        "figures": {name: round(value, 6) for name, value in trained.figures.items()},
        "usual": [round(value, 5) for value in trained.usual],
        "settings": dict(trained.settings),
    }
    weights = {name: x.half() if x.is_floating_point() else x for name, x in network.state_dict().items()}
    with atomic_file(path) as temporary:
        content = {name: x.contiguous().cpu() for name, x in weights.items()}
        temporary.write_bytes(to_bytes(content, {ABOUT: json.dumps(facts)}))
    return path


def read_encoder(path: Path, model: Model) -> TrainedEncoder:
    """What `write_encoder` wrote, on the model's device.

    Raises UserError if it is missing, damaged, or belongs to another model.
    """
    where = f"encoder={path}"
    with reading(where, "an encoder", "`composegan encoder` makes one, encoder=off does without"):
        weights, metadata = read_safetensors_about(path)
        facts = json.loads(metadata.get(ABOUT, "{}"))
        if facts.get("format") != FORMAT:
            raise ValueError(f"format {facts.get('format')}, not {FORMAT}")
        check(facts, SCHEMA)
    if facts["model"] != model.weights:
        raise UserError(
            f"{where}: was trained for another model (weights {facts['model']}, not {model.weights}); train one for "
            "this model with `composegan encoder`, or use encoder=off"
        )
    with reading(where, "an encoder", "train it again with `composegan encoder`, or use encoder=off"):
        sizes = {name: facts[name] for name in ("channels", "token", "depth")}
        with torch.random.fork_rng(devices=[]):  # the initial weights are replaced
            network = new_network(model, facts["backbone"], **sizes)
        if not all(x.isfinite().all() for x in weights.values()):
            raise ValueError("it has values that are not finite")
        network.load_state_dict({name: x.float() if x.is_floating_point() else x for name, x in weights.items()})
    network = network.to(model.device).to(memory_format=torch.channels_last).requires_grad_(False).eval()
    return TrainedEncoder(
        network, facts["model"], facts["backbone"], facts["figures"], tuple(facts["usual"]), facts["settings"]
    )


def find_encoder(model: Model, encoder: str = "") -> TrainedEncoder | None:
    """The encoder that the setting `encoder` names: "" for the one in the model's folder, if there is one; "off" for
    none; or a file, or a folder with an encoder.safetensors.

    Raises UserError as `read_encoder`.
    """
    if encoder == "off":
        return None
    if encoder:
        path = Path(encoder).expanduser()
        inside = (path / "model" / ENCODER, path / ENCODER)
        return read_encoder(next((file for file in inside if file.is_file()), path), model)
    own = model.folder / ENCODER if model.folder else None
    return read_encoder(own, model) if own is not None and own.is_file() else None
