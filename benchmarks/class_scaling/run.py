"""One run of the quality study, in a process of its own: trained, or trained on, to its last image, and measured."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

import composegan
from benchmarks.class_scaling.judges import make_judges
from benchmarks.class_scaling.measures import draw, measure
from composegan.config.compose import compose, load_config
from composegan.config.run_folder import CONFIG
from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.runs import checkpoint
from composegan.runs.fit import fit, resume
from composegan.viz.pictures import color_masks, grid

FIGURES, SHOWN = "quality.json", 8
VERSION = 2
"""Of what is measured and how: figures of another are taken anew, without training again."""
MAY_CHANGE = ("training.images=", "trainer.", "output.", "data.cache=", "data.workers=")
"""Settings whose change leaves a run what it was."""


def find(root: Path) -> Path | None:
    """The run under ROOT/DOMAIN/TIME, if there is one."""
    configs = sorted(root.glob(f"*/*/{CONFIG}"))
    return configs[-1].parent if configs else None


def check_same(run: Path, settings: Sequence[str]) -> None:
    """Raises UserError when the run was begun with settings that would make it another."""

    def of_weight(lines: Sequence[str]) -> set[str]:
        return {line for line in lines if line and not line.startswith(MAY_CHANGE)}

    before = of_weight((run / "overrides.txt").read_text().splitlines())
    if differ := sorted(before ^ of_weight(settings)):
        raise UserError(f"{run}: was begun with other settings ({', '.join(differ)}); give another folder, out=PATH")


def images_seen(run: Path) -> int:
    """As far as its checkpoint goes."""
    newest = checkpoint.read_newest(run / "checkpoints")
    return newest[0]["images_seen"] if newest else 0


def train(root: Path, settings: Sequence[str], images: int) -> Path:
    """Begin a run under `root`, or go on with the one that is there, to `images`. Returns its folder."""
    run = find(root)
    if run is None:
        return fit(compose([*settings, f"output.root={root}"]))
    check_same(run, settings)
    if images_seen(run) < images:
        resume(run, [f"training.images={images}"])
    return run


def figures_of(root: Path, images: int, pictures: int) -> dict[str, Any] | None:
    """What was measured of the run under `root` when it had seen so many images; None when nothing was yet."""
    file = root / FIGURES
    if not file.exists():
        return None
    found = json.loads(file.read_text())
    enough = found["images_seen"] >= images and found["pictures_measured"] == pictures
    return found if enough and found.get("version") == VERSION else None


def evaluate(root: Path, run: Path, pictures: int, seed: int) -> dict[str, Any]:
    """Measure the run's model and write FIGURES and a strip of its pictures to `root`."""
    start = time.monotonic()
    config = load_config(run / CONFIG)
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    device = torch.device("cuda" if torch.cuda.is_available() and config.trainer.accelerator != "cpu" else "cpu")
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
    with atomic_file(root / FIGURES) as file:
        file.write_text(json.dumps(found, indent=2) + "\n")
    return found


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Within the block no other process works on the run. Raises UserError when one does."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        with suppress(ImportError):  # where there are no such locks nobody is kept out
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"{root}: another process is working on this run") from None
        yield


def main(arguments: Sequence[str]) -> None:
    """root, images, pictures, seed of the pictures, and then `composegan fit` settings."""
    root, images, pictures, seed = Path(arguments[0]), *map(int, arguments[1:4])
    with alone(root):
        run = train(root, arguments[4:], images)
        if figures_of(root, images, pictures) is None:
            found = evaluate(root, run, pictures, seed)
            print(json.dumps(found["pictures"]), f"wrote {root / FIGURES}", sep="\n", flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        print(f"error: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
