"""`composegan invert`: photos to codes, and weights tuned to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composegan.config.inversion import InversionConfig
from composegan.errors import UserError
from composegan.verbs.choices import ModelChoice, at_least, opened
from composegan.verbs.help_text import help_text

ABOUT = "find the codes of photos, to edit them"


@dataclass
class InvertConfig(InversionConfig, ModelChoice):
    photos: str = ""  # a photo, or a folder of them
    masks: str | None = None  # their masks, where there are any: a file, or a folder with the photos' names
    out: str | None = None  # folder to write; empty: inverted-PHOTOS in the run's or model's folder
    batch: int = 8  # photos at a time

    def check(self) -> None:
        super().check()
        at_least(1, batch=self.batch)
        if not self.photos:
            raise UserError("which photos? write photos=FILE or photos=FOLDER")
        if self.delta:
            raise UserError("delta=: invert tunes the weights itself; leave it out")


def help() -> str:
    usage = [
        "composegan invert run=PATH photos=FILE key=value ...",
        "composegan invert model=PATH photos=FOLDER masks=FOLDER key=value ...",
    ]
    about = "Find codes whose picture is the photo, and tune the weights to what is missing (docs/guide/inversion.md)."
    more = [
        "Writes a folder a photo: reconstruction, mask, codes.npz, delta.safetensors (tuned weights), sheet, figures.",
        "Interrupted, the same command goes on; photos that are done are passed over.",
    ]
    return help_text(usage, about, InvertConfig, more)


def run(arguments: Sequence[str]) -> None:
    """Invert photos into a folder; says which perceptual distance is used, how near the pictures come, and where."""
    config, folder, model = opened(InvertConfig, arguments, "invert")
    from composegan.data.photos import PhotoFiles
    from composegan.editing.inversion_folder import invert_files
    from composegan.losses.perceptual import perceptual_distance

    height, width = model.generator.height, model.generator.width
    how = config.resolve(min(height, width))
    photos, masks = (Path(path).expanduser() if path else None for path in (config.photos, config.masks))
    files = PhotoFiles.find(photos, masks, model.spec, height, width)
    distance = perceptual_distance(config.lpips, how.size)
    with_masks = f", {len(files.masks)} with a mask" if masks else ""
    print(f"{len(files)} photo(s){with_masks}; perceptual distance: {distance.name} at {how.size} pixels", flush=True)
    out = Path(config.out).expanduser() if config.out else folder / f"inverted-{photos.stem}"
    means = invert_files(model, files, out, how, distance, config.batch)
    for stage, figures in means.items():
        print(f"{stage:6}" + "".join(f"  {name} {value:.4g}" for name, value in figures.items()))
    print(f"wrote {out}")
