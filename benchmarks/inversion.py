"""How near the pictures of found codes come to avatars that training has not seen, and how well they can be edited.

    python -m benchmarks.inversion                             # writes benchmarks/results/inversion.json
    python -m benchmarks.inversion --sweep                     # one setting changed at a time; inversion_sweep.json
    python -m benchmarks.inversion --draw docs/guide/photos    # only draws three of the avatars, with their masks

The avatars are the domain's demo with the validation split's seed, the first ones with enough hair to edit. Each is
inverted with its mask and without. Then the texture of its hair is replaced by that of random codes, and the leakage is
the share of the change outside the hair (before or after): strictly, a pixel around it let go, and after `edit` has
pasted the hair into the picture before.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import composegan
from benchmarks.measure import machine
from composegan.config.inversion import InversionConfig
from composegan.editing.edit import compare
from composegan.editing.invert import invert
from composegan.editing.objective import mask_iou
from composegan.metrics.leakage import change, region_of
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.plugin import registry

MODEL = Path(__file__).parents[1] / "docs" / "guide" / "avatars"
RESULTS = Path(__file__).parent / "results"
SEED = 1
"""Of the drawings: that of the validation split, see `composegan.data.open.demo_seed`. Training drew with 0."""
SWEEP: list[dict[str, Any]] = [
    {}, {"prior": 1.0}, {"prior": 0.01}, {"mse": 0.1}, {"perceptual": 0.0}, {"size": 64}, {"mask": 0.0}, {"rate": 0.05},
]  # fmt: skip
ENOUGH = 1 / 32
"""Part of the picture that the edited class covers at least."""


def held_out(count: int, height: int, width: int, class_name: str) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """uint8 images (N, H, W, 3) and labels (N, H, W) of avatars with enough of the class, and their numbers."""
    plugin = registry.load("faces")
    source, index = plugin.demo(8 * count, height, width, SEED), plugin.spec.index(class_name)
    chosen: list[int] = []
    for number in range(len(source)):
        if len(chosen) < count and (source[number].labels == index).mean() >= ENOUGH:
            chosen.append(number)
    samples = [source[number] for number in chosen]
    images = np.stack([sample.image.transpose(1, 2, 0) for sample in samples])
    return images, np.stack([sample.labels for sample in samples]), chosen


def edit_leakage(models: list[Model], codes: Codes, class_name: str, seed: int = 7) -> dict[str, float]:
    """The class's texture from random codes. All changes together: the sum outside over the sum everywhere."""
    other = models[0].codes(len(codes), seed=seed, truncation=0.7)
    totals = {"strict": 0.0, "one pixel": 0.0, "pasted": 0.0}
    whole = pasted_whole = 0.0
    for i, model in enumerate(models):
        before, after = codes[i].clone(), codes[i].clone()
        after[class_name].texture = other[i][class_name].texture
        edit = compare(model, before, after, [class_name])
        drawn = model.draw(after)
        labels = [torch.from_numpy(samples.labels) for samples in (edit.before, drawn)]
        difference = torch.from_numpy(edit.difference)
        pasted = change(*(torch.from_numpy(s.images.transpose(0, 3, 1, 2) / 127.5) for s in (edit.before, edit.after)))
        regions = [region_of(*labels, [model.index(class_name)], margin) for margin in (0, 1)]
        totals["strict"] += float((difference * ~regions[0]).sum())
        totals["one pixel"] += float((difference * ~regions[1]).sum())
        totals["pasted"] += float((pasted * ~regions[0]).sum())
        whole += float(difference.sum())
        pasted_whole += float(pasted.sum())
    return {name: value / (pasted_whole if name == "pasted" else whole) for name, value in totals.items()}


def measure(model: Model, count: int, class_name: str, settings: InversionConfig) -> dict[str, Any]:
    """The figures of the avatars inverted with masks and without, before and after tuning."""
    images, labels, numbers = held_out(count, model.generator.height, model.generator.width, class_name)
    drawn = model.codes(count, seed=3, truncation=0.7)
    found: dict[str, Any] = {
        "avatars": numbers,
        "classes in them": [len(np.unique(one)) for one in labels],
        "leakage of drawn codes": edit_leakage([model] * count, drawn, class_name),
    }
    for name, masks in (("with mask", labels), ("without mask", None)):
        start = time.perf_counter()
        result = invert(model, images, masks, settings, progress=f"Inverting {name}")
        found[name] = {"seconds an avatar": round((time.perf_counter() - start) / count, 1)}
        stages = {"w+": [model] * count}
        if result.deltas:
            stages["tuned"] = [result.tuned(i) for i in range(count)]
            found[name]["delta bytes"] = int(np.mean([delta.size for delta in result.deltas]))
        for stage, models in stages.items():
            means = {key: mean([figures[stage][key] for figures in result.figures]) for key in ("mse", "perceptual")}
            drawn_labels = np.concatenate(
                [one.draw(codes).labels for one, codes in zip(models, result.codes, strict=True)]
            )
            means["mask_iou"] = mean([mask_iou(*pair) for pair in zip(drawn_labels, labels, strict=True)])
            found[name][stage] = means | {"leakage": edit_leakage(models, result.codes, class_name)}
    return found


def sweep(model: Model, count: int, class_name: str, steps: int) -> dict[str, Any]:
    """The search for codes alone, with the recipe's settings but for one."""
    images, labels, _ = held_out(count, model.generator.height, model.generator.width, class_name)
    found = {}
    for change_of in SWEEP:
        settings = InversionConfig(**{"steps": steps, "tune_steps": 0, **change_of})
        start = time.perf_counter()
        result = invert(model, images, labels, settings, progress="")
        figures = {key: mean([one["w+"][key] for one in result.figures]) for key in ("mse", "mask_iou")}
        leaks = edit_leakage([model] * count, result.codes, class_name)["strict"]
        name = ", ".join(f"{key}={value}" for key, value in change_of.items()) or "recipe small"
        found[name] = figures | {"leakage": leaks, "seconds": round(time.perf_counter() - start, 1)}
        print(name, found[name], flush=True)
    return found


def markdown(found: dict[str, Any]) -> str:
    """The table of docs/guide/inversion.md, from what `measure` found."""
    lines = ["| | MSE | mask mIoU | leakage, strict | one pixel around | pasted by `edit` |", "| --- |" + " --- |" * 5]
    rows = {"drawn codes, for comparison": {"leakage": found["leakage of drawn codes"]}}
    for how in ("with mask", "without mask"):
        stages = {"w+": f"from codes, {how}", "tuned": f"after tuning, {how}"}
        rows |= {name: found[how][stage] for stage, name in stages.items() if stage in found[how]}
    for name, row in rows.items():
        near = [f"{row[key]:.{digits}f}" if key in row else "" for key, digits in (("mse", 4), ("mask_iou", 2))]
        lines.append(" | ".join([f"| {name}", *near, *(f"{value:.1%}" for value in row["leakage"].values())]) + " |")
    return "\n".join(lines)


def mean(values: list[float]) -> float:
    return float(np.mean(values))


def draw_photos(folder: Path, count: int) -> None:
    """Some of the avatars as files: images/NAME.png and masks/NAME.png (class numbers)."""
    images, labels, _ = held_out(count, 64, 64, "hair")
    for part, pictures in (("images", images), ("masks", labels)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for name, picture in zip("abcdefgh", pictures, strict=False):
            Image.fromarray(picture).save(folder / part / f"{name}.png")
    print(f"wrote {folder}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--edit", default="hair", help="the class whose texture is replaced")
    parser.add_argument("--steps", type=int, help="fewer of them, for a quick look")
    parser.add_argument("--draw", type=Path, help="only draw three avatars into this folder")
    parser.add_argument("--sweep", action="store_true", help="one setting of the search changed at a time")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.draw:
        draw_photos(arguments.draw, 3)
        return
    torch.set_num_threads(1)
    model = composegan.load(arguments.model)
    settings = InversionConfig(steps=arguments.steps, tune_steps=arguments.steps)
    if arguments.sweep:
        settings = InversionConfig(steps=arguments.steps or 100, tune_steps=0)
    how = settings.resolve(min(model.generator.height, model.generator.width))
    result = {
        "command": " ".join(["python -m benchmarks.inversion", *sys.argv[1:]]),
        "machine": machine(),
        "load average": os.getloadavg()[0],
        "model": {"space": model.space, **model.about},
        "edited": f"{arguments.edit}, texture",
        "settings": vars(how),
    }
    if arguments.sweep:
        found = sweep(model, arguments.count, arguments.edit, how.steps)
    else:
        found = measure(model, arguments.count, arguments.edit, settings)
    result["held-out avatars"] = found
    out = arguments.out or RESULTS / f"inversion{'_sweep' * arguments.sweep}.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(found, indent=2) if arguments.sweep else markdown(found))
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
