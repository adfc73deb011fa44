"""Directions towards an attribute, or towards labels: the normal of the boundary between codes on two sides."""

from __future__ import annotations

import csv
import hashlib
import math
import re
import time
from collections.abc import Iterable
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from composegan.editing.directions.attributes import Attribute
from composegan.editing.directions.boundary import FEWEST, find_boundary, split_extremes
from composegan.editing.directions.direction import Direction
from composegan.editing.target import Target
from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.guarded import read_text, reading
from composegan.io.tensor_file import read_safetensors
from composegan.model import TRUNCATION
from composegan.model.codes import Codes
from composegan.model.random_codes import draw_present
from composegan.model.saved_model import Model
from composegan.networks.fitting import fitted
from composegan.runtime.progress import progress_bar

EVERY = 20.0
"""Seconds between two writes of a measurement's progress."""


def attribute_direction(
    model: Model,
    target: Target,
    attribute: Attribute,
    spread: Tensor,
    *,
    n: int = 2000,
    share: float = 1 / 3,
    seed: int = 0,
    truncation: float = TRUNCATION,
    batch: int = 16,
    title: str = "",
    keep: Path | None = None,
) -> Direction:
    """Towards pictures with the attribute, from n of `mixed_codes`.

    An attribute with many values is split into its highest and lowest `share`. title, keep: see `attribute_of`. Facts:
    `attribute`, `pictures` on the two sides, held-out `accuracy` (0.5 is chance).
    Raises UserError if a side has too few pictures.
    """
    codes = mixed_codes(model, n, target.slots(model), seed=seed, truncation=truncation)
    values = attribute_of(model, codes, attribute, batch, title, keep)
    if attribute.binary:
        without, with_it = (values == 0).nonzero().flatten(), (values == 1).nonzero().flatten()
        ends = f"{len(with_it)} of {n} pictures have {attribute.text}, {len(without)} do not"
    else:
        without, with_it = split_extremes(values, share)
        there = int(values.isfinite().sum())
        ends = f"{attribute.text} splits {n} pictures ({there} have it at all) into {len(without)} and {len(with_it)}"
    if min(len(without), len(with_it)) < FEWEST:
        raise UserError(
            f"method=boundary: {ends}; at least {FEWEST} on each side are needed: raise n= or truncation=, or choose "
            "an attribute that varies"
        )
    both = torch.cat((without, with_it))
    what = attribute.kind
    if attribute.subject and (attribute.subject,) != target.classes:
        what = f"{attribute.subject}-{what}"
    sides = torch.arange(len(both)) >= len(without)
    direction = _normal(model, target, what, codes.slots[both], sides, spread, seed)
    return direction.with_facts(attribute=attribute.text, pictures=len(both))


def labelled_direction(model: Model, target: Target, path: Path, codes: Codes, spread: Tensor, seed: int) -> Direction:
    """Towards the codes that a CSV file labels 1, see `read_labels`; named after the file. Facts as above.

    Raises UserError for a file that does not hold such labels, and if a side has too few.
    """
    numbers, sides = read_labels(path, len(codes))
    ones = int(sides.sum())
    if min(ones, len(sides) - ones) < FEWEST:
        raise UserError(
            f"labels={path}: {ones} pictures are labelled 1 and {len(sides) - ones} are labelled 0; label at least "
            f"{FEWEST} of each"
        )
    what = re.sub(r"[^\w-]+", "-", path.stem).strip("-") or "labels"
    direction = _normal(model, target, what, codes.slots[numbers], sides, spread, seed)
    return direction.with_facts(labels=path.name, pictures=len(numbers))


@torch.inference_mode()
def mixed_codes(model: Model, n: int, slots: tuple[int, ...], *, seed: int = 0, truncation: float = 1.0) -> Codes:
    """n pictures in which each chosen slot has a w of its own, and all other slots share one.

    So the effect of the chosen codes is not confounded with that of the same w elsewhere.
    """
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(n * (1 + len(slots)), model.generator.latent_channels, generator=draws)
    present = draw_present(model, range(n), seed)
    each = None if present is None else present.repeat_interleave(1 + len(slots), dim=0)  # (n (1 + m), K)
    w = model.generator.map(fitted(model.generator, z.to(model.device), each, [draws] * len(z)))
    w = (model.mean_code + truncation * (w - model.mean_code)).unflatten(0, (n, -1))  # (n, 1 + m, S)
    codes = Codes.of(model, w[:, 0], present)
    codes.slots[:, list(slots)] = w[:, 1:]
    return codes


@torch.inference_mode()
def attribute_of(
    model: Model, codes: Codes, attribute: Attribute, batch: int = 16, title: str = "", keep: Path | None = None
) -> Tensor:
    """The attribute of each picture: (N,) float64 on the CPU, NaN where it has none.

    title: of the progress bar. keep: folder in which progress is saved, so that an interrupted call can resume.
    """
    weights = model.generator.state_dict().values()
    path = None if keep is None else _progress_file(
        keep, (attribute.text, attribute.weights, codes.slots, codes.present, *weights)
    )  # fmt: skip
    values = [_read_progress(path)[: len(codes)]]
    done, saved = len(values[0]), time.monotonic()
    with progress_bar(title, len(codes)) as advance:
        advance(done)
        for start in range(done, len(codes), batch):
            some = codes[start : start + batch]
            result = model.synthesize(some)
            values.append(attribute.measure(result.image, result.mask.labels()).cpu())
            if path is not None and time.monotonic() - saved >= EVERY:
                with atomic_file(path) as temporary:
                    temporary.write_bytes(to_bytes({"values": torch.cat(values)}))
                saved = time.monotonic()
            advance(len(some))
    if path is not None:
        path.unlink(missing_ok=True)
    return torch.cat(values)


def _progress_file(folder: Path, parts: Iterable[str | Tensor]) -> Path:
    """A hidden file for the values that depend on `parts`: other parts have another file."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part.float().cpu().contiguous().numpy().tobytes())
    return folder / f".measured-{digest.hexdigest()[:16]}.safetensors"


def _read_progress(path: Path | None) -> Tensor:
    """The values measured so far: (n,) float64, empty if there is no readable file."""
    try:
        if path is not None:
            return read_safetensors(path)["values"].double().flatten()
    except (OSError, ValueError, KeyError, safetensors.SafetensorError):
        pass
    return torch.zeros(0, dtype=torch.float64)


def read_labels(path: Path, pictures: int) -> tuple[Tensor, Tensor]:
    """The numbers of the labelled pictures (n,) int64, and whether each has the attribute (n,) bool.

    A line is `NUMBER,0` or `NAME,1`, where the name is a file that `sample` wrote for the codes (`00003.png`); a first
    line without digits is a heading. pictures: number of codes. Raises UserError naming the line that is wrong.
    """
    with reading(f"labels={path}", "a CSV file of labels"):
        rows = list(csv.reader(read_text(path).splitlines()))
    found: dict[int, bool] = {}
    for line, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (line == 1 and not any(character.isdigit() for character in "".join(cells))):
            continue
        where = f"labels={path}: line {line}"
        if len(cells) != 2 or cells[1] not in ("0", "1"):
            raise UserError(f"{where}: a picture and 0 or 1 are needed, as in 00003.png,1")
        stem = Path(cells[0]).stem
        if not (stem.isascii() and stem.isdigit() and len(stem) < 10):
            raise UserError(f"{where}: {cells[0][:40]!r} is not a picture's number, or its name such as 00003.png")
        if (number := int(stem)) >= pictures:
            raise UserError(f"{where}: picture {number}, but the codes have only 0 to {pictures - 1}")
        if found.setdefault(number, cells[1] == "1") != (cells[1] == "1"):
            raise UserError(f"{where}: picture {number} has another label above; keep one of them")
    if not found:
        raise UserError(f"labels={path}: has no labels; write a line for each picture, as in 00003.png,1")
    return torch.tensor(list(found)), torch.tensor(list(found.values()))


def _normal(
    model: Model, target: Target, what: str, slots: Tensor, sides: Tensor, spread: Tensor, seed: int
) -> Direction:
    """The normal of the boundary in the target's slots. slots: (N, base + 2K, S); sides: (N,) bool.

    For sigma, the chosen slots are taken to have independent codes.
    """
    chosen = target.slots(model)
    boundary = find_boundary(slots[:, list(chosen)].flatten(1).cpu(), sides, seed)
    vectors = boundary.normal.unflatten(0, (len(chosen), -1))  # (m, S)
    sigma = math.sqrt(float(torch.einsum("ms,st,mt->", vectors.double(), spread, vectors.double())))
    name = f"{target.name(model.classes)}.{what}"
    facts = {"accuracy": boundary.accuracy, "held_out": boundary.held_out, "regularization": boundary.strength}
    return Direction(name, "boundary", target, chosen, vectors, sigma, model.space, model.classes, facts)
