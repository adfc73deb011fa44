"""Measure how closely inversion reproduces avatars that training has not seen, and how local edits of its codes are.

    python -m benchmarks.inversion                           # writes benchmarks/results/inversion.json
    python -m benchmarks.inversion sweep=on                  # one setting changed at a time; inversion_sweep.json
    python -m benchmarks.inversion draw=docs/guide/photos    # only draws three of the avatars, with their masks

The avatars are drawn like the demo, with the seed of the validation split: the first ones with enough hair to edit.
Each is inverted with its mask and without. Then the texture of its hair is replaced by that of random codes. Leakage is
the share of the change that lies outside the hair (before or after): strictly; outside a margin of one pixel; and after
`edit` has pasted the hair into the picture before.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import composegan
from benchmarks.measure import machine
from benchmarks.script import (
    RESULTS,
    command_line,
    markdown_table,
    output,
    read_settings,
    run_study,
    write_json,
)
from composegan.config.inversion import InversionConfig
from composegan.editing.edit import compare
from composegan.editing.invert import invert
from composegan.editing.objective import mask_iou
from composegan.metrics.leakage import change, region_of
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.plugin import registry
from composegan.plugin.fields import number

SEED = 1
"""Seed of the drawings, the validation split's (`composegan.data.open.demo_seed`). Training drew with 0."""
SWEEP: list[dict[str, Any]] = [
    {}, {"prior": 1.0}, {"prior": 0.01}, {"mse": 0.1}, {"perceptual": 0.0}, {"size": 64}, {"mask": 0.0}, {"rate": 0.05},
]  # fmt: skip
ENOUGH = 1 / 32
"""Minimum share of the picture that the edited class covers."""


@dataclass
class InversionStudy:
    model: str = "faces"  # a trained model of faces, a folder or a name
    count: int = number(8, least=1)  # number of avatars
    edit: str = "hair"  # class whose texture is replaced
    steps: int = number(0, least=0)  # of the search and of tuning each; 0: the recipe's, or 100 in a sweep
    sweep: bool = False  # change one setting of the search at a time, without tuning
    draw: str = ""  # folder to draw three avatars into; nothing else is done
    out: str = ""  # file to write; empty: inversion.json or inversion_sweep.json in benchmarks/results


def held_out(count: int, height: int, width: int, class_name: str) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Avatars with enough of the class: uint8 images (N, H, W, 3), labels (N, H, W), and their numbers."""
    plugin = registry.load("faces")
    assert plugin.demo
    source, index = plugin.demo(8 * count, height, width, SEED), plugin.spec.index(class_name)
    fitting = (i for i in range(len(source)) if (source[i].labels == index).mean() >= ENOUGH)
    chosen = list(islice(fitting, count))
    samples = [source[i] for i in chosen]
    images = np.stack([sample.image.transpose(1, 2, 0) for sample in samples])
    return images, np.stack([sample.labels for sample in samples]), chosen


def edit_leakage(model: Model, codes: Codes, class_name: str, seed: int = 7) -> dict[str, float]:
    """Leakage of replacing the class's texture by random codes: the change outside, summed over all pictures, divided
    by the whole change."""
    other = model.codes(len(codes), seed=seed, truncation=0.7)
    totals = {"strict": 0.0, "one pixel": 0.0, "pasted": 0.0}
    whole = pasted_whole = 0.0
    for i in range(len(codes)):
        before, after = codes[i].clone(), codes[i].clone()
        after[class_name].texture = other[i][class_name].texture
        edit = compare(model, before, after, [class_name])
        drawn = model.draw(after)
        labels = [torch.from_numpy(samples.labels) for samples in (edit.before, drawn)]
        difference = torch.from_numpy(edit.difference)
        pasted = change(*(torch.from_numpy(s.images.transpose(0, 3, 1, 2) / 127.5) for s in (edit.before, edit.after)))
        regions = [region_of(labels[0], labels[1], [model.index(class_name)], margin) for margin in (0, 1)]
        totals["strict"] += float((difference * ~regions[0]).sum())
        totals["one pixel"] += float((difference * ~regions[1]).sum())
        totals["pasted"] += float((pasted * ~regions[0]).sum())
        whole += float(difference.sum())
        pasted_whole += float(pasted.sum())
    return {name: value / (pasted_whole if name == "pasted" else whole) for name, value in totals.items()}


def measure(model: Model, count: int, class_name: str, settings: InversionConfig) -> dict[str, Any]:
    """Invert the avatars with masks and without. Returns distances and leakage before and after tuning."""
    images, labels, numbers = held_out(count, model.generator.height, model.generator.width, class_name)
    drawn = model.codes(count, seed=3, truncation=0.7)
    found: dict[str, Any] = {
        "avatars": numbers,
        "classes in them": [len(np.unique(one)) for one in labels],
        "leakage of drawn codes": edit_leakage(model, drawn, class_name),
    }
    for name, masks in (("with mask", labels), ("without mask", None)):
        start = time.perf_counter()
        result = invert(model, images, masks, settings, progress=f"Inverting {name}")
        found[name] = {"seconds an avatar": round((time.perf_counter() - start) / count, 1)}
        stages = {"w+": result.codes.untuned()}
        if result.deltas:
            stages["tuned"] = result.codes
            found[name]["delta bytes"] = int(np.mean([delta.size for delta in result.deltas]))
        for stage, codes in stages.items():
            masks_of = model.draw(codes, batch=1).labels
            found[name][stage] = {
                "mse": mean(figures[stage]["mse"] for figures in result.figures),
                "perceptual": mean(figures[stage]["perceptual"] for figures in result.figures),
                "mask_iou": mean(mask_iou(*pair) for pair in zip(masks_of, labels, strict=True)),
                "leakage": edit_leakage(model, codes, class_name),
            }
    return found


def sweep(model: Model, count: int, class_name: str, steps: int) -> dict[str, Any]:
    """Search for codes, without tuning, with one setting of the recipe changed at a time."""
    images, labels, _ = held_out(count, model.generator.height, model.generator.width, class_name)
    found = {}
    for changed in SWEEP:
        settings = InversionConfig(**{"steps": steps, "tune_steps": 0, **changed})
        start = time.perf_counter()
        result = invert(model, images, labels, settings, progress="")
        name = ", ".join(f"{key}={value}" for key, value in changed.items()) or "recipe small"
        found[name] = {
            **{key: mean(one["w+"][key] for one in result.figures) for key in ("mse", "mask_iou")},
            "leakage": edit_leakage(model, result.codes, class_name)["strict"],
            "seconds": round(time.perf_counter() - start, 1),
        }
        print(name, found[name], flush=True)
    return found


def markdown(found: dict[str, Any]) -> list[str]:
    """The table of docs/guide/inversion.md."""
    rows = {"drawn codes, for comparison": {"leakage": found["leakage of drawn codes"]}}
    for how in ("with mask", "without mask"):
        stages = {"w+": f"from codes, {how}", "tuned": f"after tuning, {how}"}
        rows |= {name: found[how][stage] for stage, name in stages.items() if stage in found[how]}
    cells = [
        [name, *(f"{row[key]:.{digits}f}" if key in row else "" for key, digits in (("mse", 4), ("mask_iou", 2))),
         *(f"{value:.1%}" for value in row["leakage"].values())]
        for name, row in rows.items()
    ]  # fmt: skip
    return markdown_table(["", "MSE", "mask mIoU", "leakage, strict", "one pixel around", "pasted by `edit`"], cells)


def mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def draw_photos(folder: Path, count: int) -> None:
    """Write avatars as images/NAME.png and masks/NAME.png (class numbers)."""
    images, labels, _ = held_out(count, 128, 128, "hair")
    for part, pictures in (("images", images), ("masks", labels)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for name, picture in zip("abcdefgh", pictures, strict=False):
            Image.fromarray(picture).save(folder / part / f"{name}.png")
    print(f"wrote {folder}")


def main(arguments: Sequence[str]) -> None:
    config = read_settings(InversionStudy, arguments, "inversion")
    if config.draw:
        draw_photos(Path(config.draw), 3)
        return
    torch.set_num_threads(1)
    model = composegan.load(config.model)
    steps = config.steps or (100 if config.sweep else None)
    settings = InversionConfig(steps=steps, tune_steps=0 if config.sweep else steps)
    resolved = settings.resolve(min(model.generator.height, model.generator.width))
    if config.sweep:
        found = sweep(model, config.count, config.edit, resolved.steps)
    else:
        found = measure(model, config.count, config.edit, settings)
    out = output(config.out, RESULTS / f"inversion{'_sweep' * config.sweep}.json")
    write_json(out, {
        "command": command_line("inversion", arguments),
        "machine": machine(),
        "load average": os.getloadavg()[0],
        "model": {"space": model.space, **model.about},
        "edited": f"{config.edit}, texture",
        "settings": vars(resolved),
        "held-out avatars": found,
    })  # fmt: skip
    print(json.dumps(found, indent=2) if config.sweep else "\n".join(markdown(found)))
    print(f"wrote {out}")


if __name__ == "__main__":
    run_study(main)
