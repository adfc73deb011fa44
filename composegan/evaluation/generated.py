"""The generated set: drawn batch by batch, keeping only the rows that describe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from composegan.evaluation.shares import joined, share
from composegan.metrics.rows import Describer
from composegan.model.random_codes import draw_z
from composegan.model.saved_model import Model
from composegan.networks.generator import Generator
from composegan.runtime.progress import progress_bar
from composegan.viz.pictures import to_uint8


@dataclass(frozen=True)
class Generated:
    """Pictures of a generator. w: (N, S), on its device; present: (N, K) bool, their class sets, or None for all
    classes; images: (N, 3, H, W) in -1..1 and labels: (N, H, W), on the CPU."""

    generator: Generator
    w: Tensor
    present: Tensor | None
    images: Tensor
    labels: Tensor


def random_w(model: Model, n: int, seed: int, truncation: float, present: Tensor | None = None) -> Tensor:
    """w of n images, (N, S): those of `composegan sample` with the same seed and truncation.

    present: the class sets (N, K) bool, as of `draw_present`, that they fit; None: all classes.
    """
    z = draw_z(model, range(n), seed, present)
    with torch.inference_mode():
        w = torch.cat([model.generator.map(part) for part in z.split(1024)])
        return model.mean_code + truncation * (w - model.mean_code)


@torch.inference_mode()
def draw(model: Model, w: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Images uint8 (B, 3, H, W), as they would be saved, and labels uint8 (B, H, W), on the CPU.

    w: (B, S); present: (B, K) bool, their class sets; None: all classes.
    """
    result = model.synthesize(w, classes=present)
    return torch.from_numpy(to_uint8(result.image)).permute(0, 3, 1, 2), result.mask.labels().cpu()


@torch.inference_mode()
def generated_rows(
    model: Model, w: Tensor, present: Tensor | None, describers: Mapping[str, Describer], batch: int
) -> dict[str, Tensor]:
    """Draw each image once, shared among the processes, and describe it: rows by name, on the CPU, in every process.

    w: (N, S); present: (N, K) bool or None.
    """
    starts = list(share(range(0, len(w), batch)))
    parts: list[dict[str, Tensor]] = []
    with progress_bar("Drawing pictures", sum(len(w[start : start + batch]) for start in starts)) as advance:
        for start in starts:
            some = slice(start, start + batch)
            images, labels = draw(model, w[some], None if present is None else present[some])
            parts.append({})
            for name, describer in describers.items():
                left = max(0, (describer.limit or len(w)) - start)
                if left:
                    parts[-1][name] = describer.describe(images[:left], labels[:left])
            advance(len(images))
    parts = joined(parts)
    return {name: torch.cat([rows[name] for rows in parts if name in rows]) for name in describers}
