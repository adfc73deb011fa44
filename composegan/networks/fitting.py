"""Codes that fit a class set: where the base code chooses a view, a picture of the back of a car has no front light.

`p(code | class set)` is sampled by rejection from random codes: the first candidate with `u < p(set | its view) / max_v
p(set | v)` is taken. A model without views, or with views that all have the same classes, takes the first.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from composegan.networks.generator import Generator

CANDIDATES = 64
"""Codes to choose from, several times the number of views."""


def first_fit(fit: Tensor, chance: Tensor) -> Tensor:
    """fit: (B, M), log probabilities of acceptance; chance: (B, M), uniform -> the first accepted of each row, (B).

    If none is, the one that exceeds its threshold most, which is nearly a sample by `exp(fit)`.
    """
    margin = fit - chance.clamp_min(1e-30).log()  # (B, M)
    order = torch.arange(fit.shape[1], 0, -1, device=fit.device)  # (M): the first is the largest
    return torch.where(margin >= 0, order, margin).argmax(dim=1)


def fitted(
    generator: Generator, z: Tensor, classes: Tensor | None, draws: Sequence[torch.Generator] | None = None
) -> Tensor:
    """Random z (N, S), of which those of the first pictures are exchanged for codes that fit their class sets.

    classes: (n, K) bool, n <= N; None: all classes. draws: n sources of further random numbers, on the CPU; by default
    torch's own on the device of z. Nothing is drawn for a family whose codes fit any class set.
    """
    if classes is None or generator.candidates == 1:
        return z
    number, count, channels = len(classes), generator.candidates, z.shape[1]
    if draws is None:
        more = torch.randn(number, count - 1, channels, device=z.device)
        chance = torch.rand(number, count, device=z.device)
    else:
        more = torch.stack([torch.randn(count - 1, channels, generator=own) for own in draws]).to(z.device)
        chance = torch.stack([torch.rand(count, generator=own) for own in draws]).to(z.device)
    own = generator.choose(torch.cat((z[:number, None], more), dim=1), chance, classes)  # (n, S)
    return torch.cat((own, z[number:]))
