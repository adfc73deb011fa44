"""Measure how exactly held-out label maps are painted, and what else changes; and moves and recolouring.

    python -m benchmarks.painting                       # writes benchmarks/results/painting.json
    python -m benchmarks.painting model=PATH count=16   # another model of faces

The label maps are those of the first drawn faces of the validation split. Each is painted over a random picture, by the
model's own way and by a search for shape codes. *mIoU* is that of the mask of the new picture and the label map, a mean
over the map's classes. *Kept* is the mean absolute change, in grey levels, of the pixels that are farther than two
pixels from one whose class changes, in the model's own picture, and *pasted* the same once the others are pasted into
the picture before. *Colour* is how far the mean colour of a class moves where the class is
in both pictures, a mean over classes: the identity of hair, skin and clothes, wherever they are now. Times are CPU time
of one thread for one picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

import composegan
from benchmarks.measure import machine
from benchmarks.script import RESULTS, command_line, markdown_table, output, read_settings, run_study, write_json
from composegan.editing.edit import Edit, Region, compare
from composegan.editing.objective import mask_iou
from composegan.editing.paint import move_codes, paint_codes
from composegan.editing.recolor import color_of, recolor_codes
from composegan.editing.shape_search import search_shapes
from composegan.editing.target import Target
from composegan.metrics.leakage import grown
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.plugin import registry
from composegan.plugin.fields import number

SEED = 1
"""Seed of the drawings, the validation split's. Training drew with 0."""
MOVES = {"hair": (4, -2), "eye": (2, 3), "mouth": (-3, 1), "cloth": (0, -4), "face,eye,eyebrow,nose,mouth": (3, 2)}
"""Classes moved together, and by how many pixels to the right and down."""
COLORS = ("#a04020", "#3060c0", "#e0e0e0")
KEPT = ("kept", "pasted", "color")
RECOLORED = ("hair", "face", "cloth", "background", "mouth")


@dataclass
class PaintingStudy:
    model: str = "faces"  # a trained model of faces, a folder or a name
    count: int = number(64, least=1)  # held-out label maps
    edited: int = number(16, least=1)  # pictures whose classes are moved and recoloured
    steps: int = number(100, least=1)  # of the search for shape codes
    out: str = ""  # file to write; empty: painting.json in benchmarks/results


def held_out(count: int, height: int, width: int) -> np.ndarray:
    """Label maps (N, H, W) of drawn faces that training has not seen."""
    plugin = registry.load("faces")
    assert plugin.demo
    source = plugin.demo(count, height, width, SEED)
    return np.stack([source[i].labels for i in range(count)])


def timed(work: Callable[[], Codes]) -> tuple[Codes, float]:
    """What the work returns, and its milliseconds of CPU time for one picture."""
    start = time.process_time()
    codes = work()
    return codes, 1000 * (time.process_time() - start) / len(codes)


def drawn(model: Model, codes: Codes) -> Codes:
    return model.draw(codes).codes


def painting(model: Model, masks: np.ndarray, after: Codes) -> dict[str, float]:
    """How exact the layout of the pictures of `after` is, and what is kept of the pictures before."""
    before = model.codes(len(masks), seed=0)
    raw, pasted = (compared(model, before, after, model.classes, "changed", paste) for paste in (False, True))
    first, second = raw.before, raw.after
    changes = first.labels != second.labels
    far = ~grown(torch.from_numpy(changes), 2).numpy()
    own, all_ = (np.abs(one.after.images.astype(int) - first.images).mean(axis=3) for one in (raw, pasted))
    return {
        "miou": float(np.mean([mask_iou(*pair) for pair in zip(second.labels, masks, strict=True)])),
        "pixels": float((second.labels == masks).mean()),
        "changed": float(changes.mean()),
        "kept": float(own[far].mean()),
        "pasted": float(all_[far].mean()),
        "color": colors_apart(raw, len(model.classes)),
    }


def colors_apart(edit: Edit, classes: int) -> float:
    """Mean over pictures and classes that are in both of how far the mean colours are apart, in grey levels."""
    apart = []
    for label in range(classes):
        for i in range(len(edit.difference)):
            regions = [part.labels[i] == label for part in (edit.before, edit.after)]
            if min(region.sum() for region in regions) < 8:
                continue
            first, second = (
                part.images[i][region].mean(axis=0)
                for part, region in zip((edit.before, edit.after), regions, strict=True)
            )
            apart.append(np.abs(first - second).mean())
    return float(np.mean(apart))


def compared(model: Model, before: Codes, after: Codes, classes: Sequence[str], region: Region, paste: bool) -> Edit:
    return compare(model, before, after, classes, composite=paste, region=region)


def moving(model: Model, count: int) -> dict[str, dict[str, Any]]:
    """Of each of MOVES: by how many pixels the centre of the mask misses, of shapes that are whole before and after."""
    codes = model.codes(count, seed=0)
    found = {}
    for classes, (dx, dy) in MOVES.items():
        target = Target.of(model, classes)
        after, milliseconds = timed(partial(move_codes, model, codes, target, dx, dy))
        raw = compared(model, codes, after, target.classes, "both", False)
        indices = [model.index(name) for name in target.classes]
        missed, moved = [], []
        for before, now in zip(raw.before.labels, raw.after.labels, strict=True):
            own, new = np.isin(before, indices), np.isin(now, indices)
            if own.sum() < 8 or not new.any() or own[[0, -1]].any() or own[:, [0, -1]].any():
                continue
            shift = np.argwhere(new).mean(axis=0) - np.argwhere(own).mean(axis=0)
            missed.append(float(np.hypot(*(shift - (dy, dx)))))
            moved.append(shift)
        far = ~grown(torch.from_numpy(region_of_edit(raw, indices)), 2).numpy()
        own_change = np.abs(raw.after.images.astype(int) - raw.before.images).mean(axis=3)
        found[classes] = {
            "dx": dx, "dy": dy, "pictures": len(missed),
            "missed": float(np.mean(missed)) if missed else None,
            "outside": float(own_change[far].mean()), "milliseconds": milliseconds,
        }  # fmt: skip
    return found


def region_of_edit(edit: Edit, indices: list[int]) -> np.ndarray:
    return np.isin(edit.before.labels, indices) | np.isin(edit.after.labels, indices)


def recoloring(model: Model, count: int) -> dict[str, dict[str, float]]:
    """Of each of RECOLORED, over COLORS: how far the mean colour is from the one asked for, and the change outside."""
    codes = model.codes(count, seed=0)
    found = {}
    for name in RECOLORED:
        missed: list[float] = []
        outside, times, labels = [], [], []
        for color in COLORS:
            target, wanted = Target.of(model, name, "texture"), color_of(color)
            after, milliseconds = timed(partial(recolor_codes, model, codes, target, wanted))
            raw = compared(model, codes, after, [name], "classes", False)
            region = region_of_edit(raw, [model.index(name)])
            for image, own in zip(raw.after.images, raw.after.labels == model.index(name), strict=True):
                if own.sum() >= 8:
                    missed.append(float(np.abs(image[own].mean(axis=0) - wanted).max()))
            outside.append(np.abs(raw.after.images.astype(int) - raw.before.images).mean(axis=3)[~region].mean())
            labels.append((raw.after.labels == raw.before.labels).mean())
            times.append(milliseconds)
        found[name] = {
            "missed": float(np.mean(missed)), "worst": max(missed), "outside": float(np.mean(outside)),
            "same labels": float(np.mean(labels)), "milliseconds": float(np.mean(times)),
        }  # fmt: skip
    return found


def table(found: dict[str, Any]) -> list[str]:
    """The tables of docs/guide/painting.md."""
    lines = markdown_table(
        ["", "mask mIoU", "pixels right", "kept", "pasted", "colour", "CPU time"],
        [
            [name, f"{row['miou']:.3f}", f"{row['pixels']:.1%}", *(f"{row[key]:.1f}" for key in KEPT), cpu(row)]
            for name, row in found["painting"].items()
        ],
    )
    lines += markdown_table(
        ["moved", "by", "centre misses by", "change elsewhere", "CPU time"],
        [
            [name, f"{row['dx']}, {row['dy']}", missed_by(row), f"{row['outside']:.2f}", cpu(row)]
            for name, row in found["moving"].items()
        ],
    )
    return lines + markdown_table(
        ["recoloured", "mean colour misses by", "at most", "change outside", "CPU time"],
        [
            [name, f"{row['missed']:.1f}", f"{row['worst']:.1f}", f"{row['outside']:.2f}", cpu(row)]
            for name, row in found["recoloring"].items()
        ],
    )


def missed_by(row: dict[str, float]) -> str:
    return f"{row['missed']:.2f} px" if row["pictures"] else "cut off by the edge"


def cpu(row: dict[str, float]) -> str:
    return f"{row['milliseconds']:.0f} ms"


def main(arguments: Sequence[str]) -> None:
    config = read_settings(PaintingStudy, arguments, "painting")
    torch.set_num_threads(1)
    model = composegan.load(config.model)
    masks = held_out(config.count, model.generator.height, model.generator.width)
    codes = model.codes(len(masks), seed=0)
    found: dict[str, Any] = {"command": command_line("painting", arguments), "machine": machine(), "painting": {}}
    ways = {"search for shape codes": lambda: search_shapes(model, codes, torch.from_numpy(masks), config.steps)}
    if hasattr(model.generator, "with_layout"):
        ways = {"composed directly": lambda: paint_codes(model, codes, masks), **ways}
    for name, way in ways.items():
        after, milliseconds = timed(way)
        if name == "composed directly":  # the codes cost nothing, the picture does
            _, milliseconds = timed(partial(drawn, model, after))
        found["painting"][name] = {**painting(model, masks, after), "milliseconds": milliseconds}
        print(name, found["painting"][name], flush=True)
    found["moving"] = moving(model, config.edited)
    found["recoloring"] = recoloring(model, config.edited)
    write_json(path := output(config.out, RESULTS / "painting.json"), found)
    print(*table(found), f"\nwrote {path}", sep="\n")


if __name__ == "__main__":
    run_study(main)
