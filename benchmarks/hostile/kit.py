"""A valid file of every kind that composegan reads, and the command that reads it."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import composegan
from benchmarks.networks import TINY_RUN
from benchmarks.script import CHECKOUT
from composegan import cli
from composegan.model.delta import Delta
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.plugin import registry

SHAPES = """
title: Three shapes
classes:
  - {name: ground, color: [10, 10, 10]}
  - {name: ball, color: [200, 40, 40], category: thing/round, optional: true}
  - {name: glass, color: [40, 40, 200], transparent: true}
recipes:
  tiny:
    about: for the reader of recipes
    data: {height: 16, width: 16, workers: 0}
    model:
      {latent_channels: 16, mapping_layers: 2, local_layers: 3, base_layers: 1, depth_layers: 2, local_channels: 8,
      coarse_channels: 8, coarse_size: 8, min_feat_size: 4, max_channels: 8, discriminator_max_channels: 8}
    training.batch: 2
"""
LABELLED = 40
"""Number of codes in codes.npz; half of them are labelled as having an attribute."""
COLORS = np.array([[10, 10, 10], [200, 40, 40], [40, 40, 200]])
ENDINGS = ("png", "jpg", "webp", "bmp", "tif", "png", "png")

RUN = f"{TINY_RUN} training.images=8 output.log_every=2 output.samples_every=8 output.checkpoint_every=4"

MODEL, SPEC = "model=run/model", "domain=shapes.yaml"
PREPARE = f"prepare {SPEC} data.height=16 data.width=16 out=out"
CARS = "prepare domain=cars data.height=16 data.width=16 out=out"
EDIT = f"edit {MODEL} n=1 out=out"
INVERT = f"{MODEL} photos=photos steps=1 tune_steps=0 size=32 lpips=off out=inverted"


@dataclass(frozen=True)
class Kind:
    """files: patterns of the files of this kind in the kit's folder; command: reads them, started in that folder;
    share: how often the kind is drawn, relative to the others; special: only what kind of file it is is changed;
    named: what an error line may name instead of the file."""

    files: tuple[str, ...]
    command: str
    share: int
    special: bool = False
    named: tuple[str, ...] = ()


KINDS = {
    "image": Kind(("data/images/*",), f"{PREPARE} data.root=data", 150),
    "labels": Kind(("data/labels/*",), f"{PREPARE} data.root=data", 100),
    "domain": Kind(("shapes.yaml",), f"{PREPARE} data.root=data", 70),
    "recipe": Kind(("shapes.yaml",), f"fit {SPEC} recipe=tiny data.root=data trainer.accelerator=cpu", 30),
    "config": Kind(("run/config.yaml",), "fit run=run training.images=400", 100),
    "checkpoint": Kind(("run/checkpoints/last.pt",), "fit run=run training.images=400", 100),
    "weights": Kind(("run/model/model.safetensors",), f"sample {MODEL} n=1 out=out", 80),
    "model config": Kind(("run/model/config.json",), f"sample {MODEL} n=1 out=out", 70),
    "codes": Kind(("codes.npz",), f"sample {MODEL} codes=codes.npz out=out", 70),
    "delta": Kind(("delta.safetensors",), f"sample {MODEL} delta=delta.safetensors n=1 out=out", 40),
    "directions": Kind(
        ("directions/directions.safetensors", "directions/directions.json"),
        f"{EDIT} directions=directions slide=ball.pca0:1",
        50,
    ),
    "attribute labels": Kind(
        ("labels.csv",),
        f"directions {MODEL} classes=ball method=boundary labels=labels.csv codes=codes.npz measured=2 shown=0 out=out",
        20,
    ),
    "photo": Kind(("photos/*",), f"edit {MODEL} n=4 out=out classes=ball codes=codes.npz photos=photos", 20),
    "YOLO": Kind(("yolo/labels/train/0.txt", "yolo/data.yaml"), f"{CARS} data.root=yolo", 50),
    "COCO": Kind(("coco/trainingset/annotations.json",), f"{CARS} data.root=coco", 40),
    "packed": Kind(("packed/index.json", "packed/images.npy", "packed/labels.npy"), f"{PREPARE} data.root=packed", 60),
    "release": Kind(("release.pt",), f"import release.pt {SPEC} out=out", 70),
    "release to train": Kind(("release.pt",), f"import release.pt {SPEC} run=out", 30),
    "lock": Kind(("run/.lock",), "fit run=run training.images=400", 20, special=True),
    "inversion": Kind(
        ("inverted/?/inversion.json", "inverted/?/codes.npz", "inverted/?/photo.png", "inverted/?/mask.png"),
        f"invert {INVERT}",
        40,
        named=("out=inverted: has",),
    ),
    "plugin": Kind(("plugin/pyproject.toml",), "domains plugin_path=plugin", 10),
}


def build(folder: Path) -> None:
    """Write the files that the patterns of KINDS name, each valid."""
    folder.mkdir(parents=True)
    (folder / "shapes.yaml").write_text(SHAPES)
    _write_labelled_images(folder / "data")
    (folder / "photos").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{number}.jpg")
    _write_cars(folder)
    (folder / "plugin").mkdir()
    (folder / "plugin" / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1"\n[project.entry-points."composegan.domains"]\nx = "nowhere:plugin"\n'
    )
    spec, data = f"domain={folder / 'shapes.yaml'}", f"data.root={folder / 'data'}"
    _run("fit", spec, data, *RUN.split(), f"output.root={folder / 'runs'}")
    (run,) = (folder / "runs" / "shapes").iterdir()
    run.rename(folder / "run")
    (folder / "runs" / "shapes").rmdir()
    for other in ("previous.pt", "best.pt"):  # with another checkpoint a damaged one would only be skipped
        (folder / "run" / "checkpoints" / other).unlink(missing_ok=True)
    model = f"model={folder / 'run' / 'model'}"
    _run("prepare", spec, data, "data.height=16", "data.width=16", f"out={folder / 'packed'}")
    _run("sample", model, f"n={LABELLED}", f"out={folder / 'samples'}")
    (folder / "samples" / "codes.npz").rename(folder / "codes.npz")
    settings = ("classes=ball", "method=pca", "count=1", "measured=2", "shown=0")
    _run("directions", model, *settings, f"out={folder / 'directions'}")
    (folder / "labels.csv").write_text("".join(f"{k:05}.png,{k % 2}\n" for k in range(LABELLED)))
    before = composegan.load(folder / "run" / "model").generator
    after = copy.deepcopy(before)
    with torch.no_grad():
        next(after.renderer.parameters()).add_(0.01)
    Delta.between(before, after).save(folder / "delta.safetensors")
    _write_release(folder / "release.pt")
    with contextlib.chdir(folder):  # the request depends on the paths that are given
        _run("invert", *INVERT.split())


def _run(*arguments: str) -> None:
    if status := cli.main(arguments):
        raise RuntimeError(f"composegan {' '.join(arguments)}: exit status {status}")


def _write_labelled_images(root: Path) -> None:
    """Seven labelled images in all formats that are read; the last with 16 bits, the one before with transparency."""
    for part in ("images", "labels"):
        (root / part).mkdir(parents=True)
    for number, ending in enumerate(ENDINGS):
        draws = np.random.default_rng(number)
        labels = draws.integers(0, 3, (4, 4), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
        image: np.ndarray = (COLORS[labels] + draws.integers(-9, 10, (16, 16, 3))).clip(0, 255).astype(np.uint8)
        if number == 5:
            image = np.concatenate([image, 255 - 60 * labels[:, :, None]], axis=2)
        if number == 6:
            image = image[:, :, 0].astype(np.uint16) * 257
        Image.fromarray(image).save(root / "images" / f"{number}.{ending}")
        in_color = number % 2  # label maps as colors and as class numbers
        Image.fromarray(COLORS.astype(np.uint8)[labels] if in_color else labels).save(root / "labels" / f"{number}.png")


def _write_cars(folder: Path) -> None:
    """Two pictures with polygons in both published formats."""
    yolo, coco = folder / "yolo", folder / "coco" / "trainingset"
    for part in ("images", "labels"):
        (yolo / part / "train").mkdir(parents=True)
    (coco / "JPEGImages").mkdir(parents=True)
    for number in range(2):
        for place in (yolo / "images" / "train" / f"{number}.jpg", coco / "JPEGImages" / f"{number}.jpg"):
            Image.new("RGB", (40, 30), (90, 90, 200)).save(place)
        lines = "9 0.1 0.2 0.9 0.2 0.9 0.8\n17 0.2 0.7 0.4 0.7 0.3 0.9\n"
        (yolo / "labels" / "train" / f"{number}.txt").write_text(lines)
    foreign = registry.load("cars").spec.foreign
    names = "".join(f"  {k}: {name}\n" for k, name in enumerate(foreign["ultralytics"]))
    (yolo / "data.yaml").write_text(f"names:\n{names}")
    box = [4.0, 6.0, 36.0, 6.0, 36.0, 24.0, 4.0, 24.0]
    content = {
        "images": [{"id": k, "file_name": f"{k}.jpg", "width": 40, "height": 30} for k in range(2)],
        "categories": [{"id": n, "name": foreign["parts"][k]["part"]} for n, k in ((1, 0), (2, -1))],
        "annotations": [
            {"id": k, "image_id": k % 2, "category_id": 1 + k // 2, "segmentation": [box], "area": 576}
            for k in range(4)
        ],
    }
    (coco / "annotations.json").write_text(json.dumps(content))


def _write_release(path: Path) -> None:
    """A checkpoint in the format of the public release, whose names are in the tests of `import`."""
    spec = importlib.util.spec_from_file_location("names", CHECKOUT / "tests" / "interop" / "release_names.py")
    assert spec and spec.loader
    release = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(release)
    size = {"classes": 3, "height": 16, "width": 16}
    settings: dict[str, Any] = {
        **size, "latent_channels": 16, "mapping_layers": 2, "local_layers": 3, "base_layers": 1, "depth_layers": 2,
        "local_channels": 8, "coarse_channels": 8, "coarse_size": 8, "min_feat_size": 4, "channel_multiplier": 0.01,
        "transparent": [2], "residual_refine": True,
    }  # fmt: skip
    networks = Generator(**settings), Generator(**settings), Discriminator(**size, multiplier=0.01)
    torch.save(release.checkpoint(settings, *networks), path)
