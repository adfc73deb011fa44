"""Codes for learning a boundary, and what their pictures have."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from composegan.editing.directions.attributes import Attribute
from composegan.editing.directions.kept import Kept
from composegan.model.codes import Codes
from composegan.model.random_codes import draw_present
from composegan.model.saved_model import Model
from composegan.runtime.progress import progress_bar


@torch.inference_mode()
def mixed_codes(model: Model, n: int, slots: tuple[int, ...], *, seed: int = 0, truncation: float = 1.0) -> Codes:
    """n pictures whose chosen slots have each a w of its own, and all other slots of a picture one together.

    So what the chosen codes do is not mixed up with what the same w does elsewhere. truncation: as in `draw_codes`.
    """
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(n * (1 + len(slots)), model.generator.latent_channels, generator=draws)
    w = model.generator.map(z.to(model.device))
    w = (model.mean_code + truncation * (w - model.mean_code)).unflatten(0, (n, -1))  # (n, 1 + m, S)
    codes = Codes.of(model, w[:, 0], draw_present(model, range(n), seed))
    codes.slots[:, list(slots)] = w[:, 1:]
    return codes


@torch.inference_mode()
def attribute_of(
    model: Model, codes: Codes, attribute: Attribute, batch: int = 16, title: str = "", keep: Path | None = None
) -> Tensor:
    """The figure of each picture: (N,) float64 on the CPU, NaN where there is none.

    title: of the progress bar. keep: a folder for what is done so far, so that the same call goes on where one was
    stopped.
    """
    weights = model.generator.state_dict().values()
    kept = Kept(keep, (attribute.text, attribute.weights, codes.slots, codes.present, *weights))
    values = [kept.load()[: len(codes)]]
    done = len(values[0])
    with progress_bar(title, len(codes)) as advance:
        advance(done)
        for start in range(done, len(codes), batch):
            some = codes[start : start + batch]
            result = model.synthesize(some)
            values.append(attribute.measure(result.image, result.mask.labels()).cpu())
            kept.save(values)
            advance(len(some))
    kept.remove()
    return torch.cat(values)
