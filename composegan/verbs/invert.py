"""`composegan invert`: photos to codes, and weights tuned to each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from composegan.config.inversion import InversionConfig
from composegan.errors import UserError
from composegan.verbs.base import WritingCommand, command, count


@dataclass
class Invert(InversionConfig, WritingCommand):
    photos: str = ""  # a photo, or a folder of them
    crop: str = "auto"  # the part to invert: auto (search if the centre is unlike the data), center, find, or x,y,width
    masks: str | None = None  # masks of the photos, where there are any: a file, or a folder with the photos' names
    out: str | None = None  # folder to write; empty: inverted-PHOTOS in results/
    batch: int = count(8)  # photos at a time

    def check(self) -> None:
        super().check()
        if not self.photos:
            raise UserError("photos=: missing; write photos=FILE or photos=FOLDER")
        from composegan.data.framing import parse_crop

        parse_crop(self.crop)
        if self.delta:
            raise UserError("delta=: invert tunes the weights itself; leave it out")

    def execute(self) -> None:
        model = self.load_model()
        from composegan.api.held_out import held_out_images
        from composegan.data.photos import PhotoFiles
        from composegan.editing.encoder.encoder_file import find_encoder
        from composegan.editing.find_frame import framer
        from composegan.editing.inversion_folder import SHEET, invert_files
        from composegan.editing.likeness import references_of
        from composegan.losses.perceptual import perceptual_distance

        height, width = model.generator.height, model.generator.width
        encoder = find_encoder(model, self.encoder)
        how = self.resolve(min(height, width), encoder is not None)
        photos, masks = Path(self.photos).expanduser(), Path(self.masks).expanduser() if self.masks else None
        files = PhotoFiles.find(photos, masks, model.spec, height, width)
        references = references_of(model, held_out_images)
        files = replace(files, frame_of=framer(self.crop, references))
        for line in files.warnings():
            print(f"warning: {line}", flush=True)
        distance = perceptual_distance(self.lpips, how.size)
        with_masks = f", {len(files.masks)} with a mask" if masks else ""
        count = "1 photo" if len(files) == 1 else f"{len(files)} photos"
        print(f"{count}{with_masks}; perceptual distance: {distance.name} at {how.size} pixels", flush=True)
        if encoder:
            print(f"codes by the model's encoder, then {how.steps} steps (encoder=off optimizes from the mean code)")
        out = self.output(self.out, f"inverted-{photos.stem}")
        means = invert_files(
            model, files, out, how, distance, self.batch, overwrite=self.overwrite, encoder=encoder,
            references=references,
        )  # fmt: skip
        for stage, figures in means.items():
            print(f"{stage:6}" + "".join(f"  {name} {value:.4g}" for name, value in figures.items()))
        print(f"wrote {out}; look at {out / SHEET}")


verb = command(
    Invert, "find the codes of photos, to edit them",
    "Find codes whose picture is the photo, and tune the weights to what is missing (docs/guide/inversion.md).",
    "run=PATH photos=FILE key=value ...", "model=PATH photos=FOLDER masks=FOLDER key=value ...",
    more=["With an encoder (`composegan encoder`): its codes, a few steps, and no tuning unless tune_steps= is given.",
          "Writes per photo: reconstruction, mask, codes.npz, delta.safetensors (tuned weights), sheet, figures.",
          "If interrupted, repeat the command: photos that are done are skipped."],
)  # fmt: skip
