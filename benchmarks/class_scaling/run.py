"""One run of the quality study in a process of its own: train or resume it to its last image, then measure it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import composegan
from benchmarks.class_scaling.judges import make_judges
from benchmarks.class_scaling.measures import draw, measure
from benchmarks.script import run_study, write_json
from benchmarks.study_runs import setup_device, train
from composegan.config.compose import load_config
from composegan.config.run_folder import CONFIG
from composegan.io.atomic import atomic_file
from composegan.io.lock import exclusive_lock
from composegan.viz.pictures import color_masks, grid

RESULTS, SHOWN = "quality.json", 8
VERSION = 3
"""Of the measures: results of another version are measured again, without training again."""


def results_of(root: Path, images: int, pictures: int) -> dict[str, Any] | None:
    """The results of the run under `root` after `images` images; None if it has not been measured then."""
    file = root / RESULTS
    if not file.exists():
        return None
    found = json.loads(file.read_text())
    enough = found["images_seen"] >= images and found["pictures_measured"] == pictures
    return found if enough and found.get("version") == VERSION else None


def evaluate(root: Path, run: Path, pictures: int, seed: int) -> dict[str, Any]:
    """Measure the run's model and write its results and a strip of its pictures to `root`."""
    start = time.monotonic()
    config = load_config(run / CONFIG)
    device = setup_device(config)
    model = composegan.load(run, device)
    judges, network = make_judges(config.data, device)
    last = [json.loads(line) for line in (run / "grouping.jsonl").read_text().splitlines()][-1]
    found = {
        "version": VERSION,
        "run": str(run),
        "images_seen": model.about["images_seen"],
        "pictures_measured": pictures,
        "groups": last["groups"],
        "generator": sum(p.numel() for p in model.generator.parameters()),
        "local": sum(p.numel() for p in model.generator.local.parameters()),
        **measure(model, judges, network, pictures, seed),
        "minutes_measuring": round((time.monotonic() - start) / 60, 2),
    }
    shown = draw(model, SHOWN, seed)
    strips = [shown.images.permute(0, 2, 3, 1).numpy(), color_masks(shown.labels.numpy(), model.colors)]
    with atomic_file(root / "pictures.png") as file:
        grid(torch.cat([torch.from_numpy(strip) for strip in strips]).numpy(), SHOWN).save(file, format="PNG")
    write_json(root / RESULTS, found)
    return found


def main(arguments: Sequence[str]) -> None:
    """arguments: root, images, pictures, seed of the pictures, then `composegan fit` settings."""
    root, images, pictures, seed = Path(arguments[0]), *map(int, arguments[1:4])
    root.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(root):
        run = train(root, arguments[4:], images)
        if results_of(root, images, pictures) is None:
            found = evaluate(root, run, pictures, seed)
            print(json.dumps(found["pictures"]), f"wrote {root / RESULTS}", sep="\n", flush=True)


if __name__ == "__main__":
    run_study(main)
