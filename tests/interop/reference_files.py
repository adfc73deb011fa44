"""What the public release computes on seeded weights: the weights rebuilt, and its answers.

`reference/NAME.json` and `.npz` were measured from the public release of SemanticStyleGAN (arXiv 2112.02236) in
float32 on a CPU. They hold numbers only: the configuration, names and shapes of the tensors, inputs, answers and the
gradient's norm for each tensor. faces64_k5 (seed 1) has every answer in full. faces128_k13 (seed 2) has every
8th row and column of each map, and the norm of the whole map.

Tensor i of a network is `numpy.random.RandomState(seed * 100003 + i).standard_normal(shape)`, scaled by name as in
`_weights`; the discriminator's seed is one higher. The real picture is `tanh` of the normal draw of seed + 12, and the
path-length noise is that of seed + 14.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent / "reference"

ARGUMENTS = {
    "size": "size", "seg_dim": "classes", "local_layers": "local_layers", "base_layers": "base_layers",
    "depth_layers": "depth_layers", "local_channel": "local_channels", "coarse_channel": "coarse_channels",
    "coarse_size": "coarse_size", "min_feat_size": "min_feat_size", "channel_multiplier": "channel_multiplier",
    "residual_refine": "residual_refine", "transparent_dims": "transparent_classes", "latent": "style_dim",
    "n_mlp": "mapping_layers",
}  # fmt: skip
"""The release's training arguments, and their names in `config`."""


@dataclass(frozen=True)
class ReferenceFile:
    """facts: the JSON file; checkpoint: `g_ema`, `d` and `args`; answers: by name, on maps only every stride-th row and
    column."""

    facts: dict
    checkpoint: dict
    answers: dict[str, Tensor]

    @property
    def config(self) -> dict:
        return self.facts["config"]

    def learned(self, network: str) -> set[str]:
        """The names of a network's tensors, "generator" or "discriminator", filter taps left out."""
        return {name for name, _, *fixed in self.facts[network] if not fixed}

    def normal(self, offset: int) -> Tensor:
        """Standard normal pictures (B, 3, H, W), drawn with seed + offset."""
        size, batch = self.config["size"], len(self.answers["z"])
        draws = np.random.RandomState(self.facts["seed"] + offset).standard_normal((batch, 3, size, size))
        return torch.from_numpy(draws.astype(np.float32))

    def error(self, ours: Tensor, name: str) -> float:
        """Relative difference from an answer, and of the norms where the answer is a part of a map."""
        theirs, stride = self.answers[name], self.facts["stride"]
        if name not in self.facts["norms"]:
            return ((ours - theirs).norm() / theirs.norm()).item()
        part = ours[..., ::stride, ::stride]
        whole = abs(ours.double().norm().item() / self.facts["norms"][name] - 1)
        return max(((part - theirs).norm() / theirs.norm()).item(), whole)


def _weights(entries: list[list], seed: int) -> dict[str, Tensor]:
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    state = {}
    for i, (name, shape, *fixed) in enumerate(entries):
        if fixed:
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
    """A case by its name; its weights are rebuilt from their seeds."""
    facts = json.loads((FOLDER / f"{name}.json").read_text())
    checkpoint = {
        "g_ema": _weights(facts["generator"], facts["seed"]),
        "d": _weights(facts["discriminator"], facts["seed"] + 1),
        "args": {theirs: facts["config"][ours] for theirs, ours in ARGUMENTS.items()} | {"detach_texture": False},
    }
    with np.load(FOLDER / f"{name}.npz") as file:
        return ReferenceFile(facts, checkpoint, {key: torch.from_numpy(np.asarray(file[key])) for key in file.files})
