"""Compare the encoder of a model with the search of 200 steps, on drawn faces that neither has been trained on.

    python -m benchmarks.encoder                             # writes benchmarks/results/encoder.json
    python -m benchmarks.encoder encoder=FOLDER keep=FOLDER  # another encoder; codes of the search are kept and reused

The faces are the first of the validation split. Each is inverted with its mask and without, and drawn from the codes:
by the search from the mean code, by the encoder alone, and by the encoder with its steps of refinement; weights are not
tuned. MSE is of colours in -1..1; the perceptual distance is EfficientNet-Lite0's at 128 pixels; FD is the Frechet
distance of its pooled features between the photos and their pictures; leakage as in benchmarks.inversion, of those with
enough hair. Seconds are CPU time of one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import composegan
from benchmarks.inversion import ENOUGH, SEED, edit_leakage
from benchmarks.measure import machine
from benchmarks.script import RESULTS, command_line, markdown_table, output, read_settings, run_study, write_json
from composegan.config.inversion import InversionConfig
from composegan.editing.encoder.encode import distances
from composegan.editing.invert import invert
from composegan.editing.objective import mask_iou
from composegan.losses.perceptual import perceptual_distance
from composegan.metrics.backbone import EfficientNetLite0
from composegan.metrics.frechet import frechet_distance, moments
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.plugin import registry
from composegan.plugin.fields import number

CHUNK = 16
"""Photos that are inverted at a time."""


@dataclass
class EncoderStudy:
    model: str = "faces"  # a trained model of faces, a folder or a name
    encoder: str = ""  # file or folder of its encoder; empty: the model's own
    count: int = number(32, least=2)  # number of faces
    steps: int = number(200, least=1)  # of the search
    keep: str = ""  # folder that keeps the codes of the search, and from which they are read again
    out: str = ""  # file to write; empty: encoder.json in benchmarks/results


def chunked(
    model: Model,
    images: np.ndarray,
    masks: np.ndarray | None,
    settings: InversionConfig,
    keep: str = "",
    kind: str = "",
) -> tuple[Codes, float]:
    """Codes of all photos, and CPU seconds a photo. keep: see `EncoderStudy`."""
    slots, present, seconds = [], [], []
    for first in range(0, len(images), CHUNK):
        some, kept = slice(first, first + CHUNK), Path(keep) / f"base_{kind}_{first}.npz"
        if not (keep and kept.is_file()):
            start = time.process_time()
            found = invert(model, images[some], None if masks is None else masks[some], settings, progress="").codes
            cpu = (time.process_time() - start) / len(found)
            slots.append(found.slots.numpy())
            present.append(found.present.numpy())
            seconds.append(cpu)
            if keep:
                kept.parent.mkdir(parents=True, exist_ok=True)
                np.savez(kept, slots=slots[-1], present=present[-1], cpu=cpu)
        else:
            with np.load(kept) as arrays:
                slots.append(arrays["slots"])
                present.append(arrays["present"])
                seconds.append(float(arrays["cpu"]))
    codes = Codes.of(model, torch.from_numpy(np.concatenate(slots)), torch.from_numpy(np.concatenate(present)))
    return codes, float(np.mean(seconds))


def figures(model: Model, codes: Codes, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """How near the pictures of codes are to the photos, and the leakage of an edit of hair."""
    photos = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).float().div(127.5).sub(1)
    drawn = model.draw(codes)
    pictures = torch.from_numpy(drawn.images.transpose(0, 3, 1, 2).copy()).float().div(127.5).sub(1)
    network = EfficientNetLite0(128)
    with torch.no_grad():
        both = [moments(network.features(some)) for some in (photos, pictures)]
    hair = model.index("hair")
    edited = [i for i in range(len(codes)) if (labels[i] == hair).mean() >= ENOUGH and codes.present[i, hair]]
    return {
        "mse": float((pictures - photos).square().mean()),
        "perceptual": float(distances(model, codes, photos, perceptual_distance("off", 128)).mean()),
        "mask_iou": float(np.mean([mask_iou(*pair) for pair in zip(drawn.labels, labels, strict=True)])),
        "FD": frechet_distance(*both),
        "leakage": edit_leakage(model, codes[edited], "hair"),
        "edited": len(edited),
    }


def study(model: Model, config: EncoderStudy) -> dict[str, Any]:
    """Figures by row of the table."""
    plugin = registry.load("faces")
    assert plugin.demo
    source = plugin.demo(1000, model.generator.height, model.generator.width, SEED)
    samples = [source[i] for i in range(config.count)]
    images = np.stack([sample.image.transpose(1, 2, 0) for sample in samples])
    labels = np.stack([sample.labels for sample in samples])
    ways: dict[str, Callable[[], InversionConfig]] = {
        f"search, {config.steps} steps": lambda: InversionConfig(
            encoder="off", steps=config.steps, tune_steps=0, lpips="off"
        ),
        "encoder alone": lambda: InversionConfig(encoder=config.encoder, steps=0, lpips="off"),
        "encoder and refinement": lambda: InversionConfig(encoder=config.encoder, lpips="off"),
    }
    found: dict[str, Any] = {}
    for kind, masks in (("mask", labels), ("none", None)):
        for number_of_way, (name, settings) in enumerate(ways.items()):
            codes, cpu = chunked(model, images, masks, settings(), config.keep if number_of_way == 0 else "", kind)
            row = f"{name}, {'with' if kind == 'mask' else 'without'} mask"
            found[row] = {"cpu seconds": cpu, **figures(model, codes, images, labels)}
            print(row, found[row], flush=True)
    return found


def forward_milliseconds(model: composegan.Model, encoder: str, times: int = 20) -> float:
    """CPU time of `model.encode` for one photo, without reading the encoder's file."""
    from composegan.editing.encoder.encode import encode
    from composegan.editing.encoder.encoder_file import find_encoder

    trained = find_encoder(model, encoder)
    assert trained is not None
    photo = torch.zeros(1, 3, model.generator.height, model.generator.width)
    encode(model, trained, photo)
    start = time.process_time()
    for _ in range(times):
        encode(model, trained, photo)
    return (time.process_time() - start) / times * 1000


def markdown(found: dict[str, Any]) -> list[str]:
    """The table of docs/guide/inversion.md."""
    rows = [
        [name, f"{row['mse']:.4f}", f"{row['perceptual']:.3f}", f"{row['mask_iou']:.3f}", f"{row['FD']:.1f}",
         f"{row['leakage']['strict']:.1%}", f"{row['leakage']['one pixel']:.1%}", f"{row['cpu seconds']:.2f} s"]
        for name, row in found.items()
    ]  # fmt: skip
    return markdown_table(
        ["", "MSE", "perceptual", "mask mIoU", "FD", "leakage, strict", "one pixel around", "CPU a photo"], rows
    )


def main(arguments: Sequence[str]) -> None:
    config = read_settings(EncoderStudy, arguments, "encoder")
    torch.set_num_threads(1)
    model = composegan.load(config.model)
    milliseconds = forward_milliseconds(model, config.encoder)
    print(f"a forward pass takes {milliseconds:.0f} ms of CPU time", flush=True)
    found = study(model, config)
    out = output(config.out, RESULTS / "encoder.json")
    write_json(out, {
        "command": command_line("encoder", arguments),
        "machine": machine(),
        "faces": config.count,
        "forward milliseconds": round(milliseconds, 1),
        "figures": found,
    })  # fmt: skip
    print("\n".join(markdown(found)))
    print(f"wrote {out}")


if __name__ == "__main__":
    run_study(main)
