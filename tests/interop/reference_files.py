"""Rebuilds the reference model's seeded weights from the facts in `../shared/reference` (see its README)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(os.environ.get("COMPOSEGAN_REFERENCE", Path(__file__).parents[3] / "shared" / "reference"))


@dataclass(frozen=True)
class ReferenceFile:
    config: dict
    checkpoint: dict
    answers: dict[str, Tensor]
    gradient_norms: dict[str, float]
    generator_names: list[str]
    discriminator_names: list[str]
    seed: int


def _weights(entries: list[dict], seed: int) -> dict[str, Tensor]:
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    state = {}
    for i, entry in enumerate(entries):
        name, shape = entry["name"], tuple(entry["shape"])
        if entry["fill"] == "fixed":
            state[name] = torch.outer(taps, taps) / 64
            continue
        x = np.random.RandomState(seed * 100003 + i).standard_normal(shape).astype(np.float32)
        if name.endswith(("modulation.bias", ".modulation")):
            x = 1 + np.float32(0.1) * x
        elif name.endswith(("bias", "noise.weight")):
            x = np.float32(0.1) * x
        elif name.startswith("style.") and name.endswith("weight"):
            x = x / np.float32(0.01)
        state[name] = torch.from_numpy(np.asarray(x, dtype=np.float32))
    return state


@cache
def read(name: str) -> ReferenceFile:
    facts = json.loads((FOLDER / f"{name}.json").read_text())
    config, seed = facts["config"], facts["seed"]
    arguments = {
        "size": config["size"],
        "seg_dim": config["classes"],
        "local_layers": config["local_layers"],
        "base_layers": config["base_layers"],
        "depth_layers": config["depth_layers"],
        "local_channel": config["local_channels"],
        "coarse_channel": config["coarse_channels"],
        "coarse_size": config["coarse_size"],
        "min_feat_size": config["min_feat_size"],
        "channel_multiplier": config["channel_multiplier"],
        "residual_refine": config["residual_refine"],
        "detach_texture": False,
        "transparent_dims": config["transparent_classes"],
        "latent": config["style_dim"],
        "n_mlp": config["mapping_layers"],
    }
    checkpoint = {
        "g_ema": _weights(facts["generator_keys"], seed),
        "d": _weights(facts["discriminator_keys"], seed + 1),
        "args": arguments,
    }
    with np.load(FOLDER / f"{name}.npz") as file:
        answers = {key: torch.from_numpy(np.asarray(file[key])) for key in file.files}
    return ReferenceFile(
        config,
        checkpoint,
        answers,
        facts["grad_norms"],
        [entry["name"] for entry in facts["generator_keys"] if entry["fill"] != "fixed"],
        [entry["name"] for entry in facts["discriminator_keys"] if entry["fill"] != "fixed"],
        seed,
    )
