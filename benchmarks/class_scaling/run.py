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
from benchmarks.script import newest_run, run_study, write_json
from composegan.config.compose import compose, load_config
from composegan.config.run_folder import CONFIG
from composegan.config.schema import Config
from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.lock import exclusive_lock
from composegan.runs import checkpoint
from composegan.runs.fit import fit, resume
from composegan.viz.pictures import color_masks, grid

RESULTS, SHOWN = "quality.json", 8
VERSION = 2
"""Of the measures: results of another version are measured again, without training again."""
MAY_CHANGE = ("training.images=", "trainer.", "output.", "data.cache=", "data.workers=")
"""Settings that do not change what a run computes."""


def check_same(run: Path, settings: Sequence[str]) -> None:
    """Raises UserError if the run was started with settings that make it a different one."""

    def lasting(lines: Sequence[str]) -> set[str]:
        return {line for line in lines if line and not line.startswith(MAY_CHANGE)}

    before = lasting((run / "overrides.txt").read_text().splitlines())
    if differ := sorted(before ^ lasting(settings)):
        raise UserError(f"{run}: was started with other settings ({', '.join(differ)}); set another folder, out=PATH")


def train(root: Path, settings: Sequence[str], images: int) -> Path:
    """Start a run under `root`, or resume the one that is there, to `images`. Returns its folder."""
    run = newest_run(root)
    if run is None:
        return fit(compose([*settings, f"output.root={root}"]))
    check_same(run, settings)
    newest = checkpoint.read_newest(run / "checkpoints")
    if not newest or newest[0]["images_seen"] < images:
        resume(run, [f"training.images={images}"])
    return run


def results_of(root: Path, images: int, pictures: int) -> dict[str, Any] | None:
    """The results of the run under `root` after `images` images; None if it has not been measured then."""
    file = root / RESULTS
    if not file.exists():
        return None
    found = json.loads(file.read_text())
    enough = found["images_seen"] >= images and found["pictures_measured"] == pictures
    return found if enough and found.get("version") == VERSION else None


def setup_device(config: Config) -> torch.device:
    """The device to measure on, of those that a run may use. Sets the number of CPU threads."""
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    return torch.device("cuda" if torch.cuda.is_available() and config.trainer.accelerator != "cpu" else "cpu")


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
