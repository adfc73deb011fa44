"""Photos inverted into a folder, batch by batch. Each photo is written when it is done, and skipped the next time.

OUT/NAME/photo.png reconstruction.png mask.png labels.png codes.npz delta.safetensors sheet.png inversion.json
OUT/codes.npz sheet.png inversion.json                              for all photos together
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from composegan.config.inversion import Inversion
from composegan.data.framing import Frame
from composegan.data.photos import Photo, PhotoFiles
from composegan.data.rgb import read_image
from composegan.editing.encoder.encoder_file import TrainedEncoder
from composegan.editing.encoder.unlike import likeness
from composegan.editing.invert import nearness, objective_of, search
from composegan.editing.likeness import References
from composegan.editing.objective import Objective
from composegan.editing.tuning import tune
from composegan.errors import UserError
from composegan.io.atomic import atomic_file, write_json
from composegan.io.guarded import TEXT, check_file, read_json, reading
from composegan.io.schema import COUNT, FLAG, STRING, Each, Leaf, check
from composegan.losses.perceptual import PerceptualDistance
from composegan.model.codes import Codes, concat_codes
from composegan.model.codes_file import read_codes
from composegan.model.delta import Delta
from composegan.model.photo_files import frame_of
from composegan.model.sample import draw
from composegan.model.saved_model import Model
from composegan.networks.semantic_map import UNKNOWN
from composegan.runtime.console import print_line
from composegan.runtime.progress import progress_bar
from composegan.viz.pictures import color_masks, table

FIGURES, CODES, DELTA, SHEET = "inversion.json", "codes.npz", "delta.safetensors", "sheet.png"
NUMBERS = Each(Leaf("a number", lambda x: type(x) in (int, float)))
SCHEMA = {"request": STRING, "finished": FLAG, "seconds": NUMBERS, "w+": NUMBERS, "tuned?": NUMBERS}
"""What is read of the figures of an earlier run."""
FEW = 8
"""So many photos have a line each about how like the data they are."""
SHOWN = 16
"""Photos on the sheet for all."""


@dataclass(frozen=True)
class Job:
    """Model, settings and folder: a result made with the same ones, from the same photo, is reused."""

    model: Model
    distance: PerceptualDistance
    how: Inversion
    out: Path
    encoder: TrainedEncoder | None = None

    def folder(self, photo: Photo) -> Path:
        """Where the results of a photo go. Raises UserError for a name that is no folder's, or a file's of all."""
        parts = photo.name.split("/")  # of a photo in a subfolder
        if any(not part.strip(". ") or part.casefold() in (FIGURES, CODES, SHEET, DELTA) for part in parts):
            raise UserError(
                f"photos: a photo is named {photo.name!r} before its ending; rename it, to be a folder's name"
            )
        return self.out / photo.name

    def request(self, photo: Photo) -> str:
        """A short hash of everything that the result of one photo depends on."""
        digest = hashlib.sha256(self.model.weights.encode())
        digest.update(json.dumps([asdict(self.how), self.distance.name], sort_keys=True).encode())
        if self.encoder:
            digest.update(self.encoder.fingerprint.encode())
        for part in (photo.image, photo.labels):
            digest.update(b"none" if part is None else part.tobytes())
        return digest.hexdigest()[:16]

    def state(self, photo: Photo) -> dict[str, Any]:
        """The figures that an earlier run wrote for this request, with `finished` if all is written; else {}."""
        folder = self.folder(photo)
        try:
            figures = read_json(folder / FIGURES, TEXT)
            check(figures, SCHEMA)
            if figures["request"] != self.request(photo):
                return {}
            read_codes(folder / CODES)
        except (OSError, ValueError, UserError):
            return {}
        try:
            for name in ("photo", "from_codes", "reconstruction", "mask"):
                check_file(folder / f"{name}.png")
        except (OSError, ValueError):
            return figures | {"finished": False}
        return figures | {"finished": figures["finished"] and ("tuned" in figures or not self.how.tune_steps)}

    def objective(self, photos: Sequence[Photo]) -> Objective:
        """The objective of several photos."""
        images = np.stack([photo.image.transpose(1, 2, 0) for photo in photos])
        unknown = np.full(images.shape[1:3], UNKNOWN, np.uint8)
        masks = np.stack([unknown if photo.labels is None else photo.labels for photo in photos])
        return objective_of(self.model, images, masks, self.distance, self.how)


def invert_files(
    model: Model, files: PhotoFiles, out: Path, how: Inversion, distance: PerceptualDistance, batch: int = 8,
    progress: str = "Inverting", overwrite: bool = False, encoder: TrainedEncoder | None = None,
    references: References | None = None,
) -> dict[str, dict[str, float]]:  # fmt: skip
    """Invert the photos that are not finished in `out`; returns the mean figures of each stage, "w+" and "tuned".

    All photos are read first, so that a bad one is reported at once. An interrupted search restarts with its whole
    batch, because codes depend on it in their last digits; finished searches and tunings are reused. overwrite: also
    invert photos of which `out` has the result of other settings. references: with them or an encoder, how like the
    model's data the photos are is printed before anything is searched. Raises UserError for a photo or mask that cannot
    be used, for such results, and if `out` cannot be written.
    """
    job = Job(model, distance.to(model.device), how, out, encoder)
    photos = list(files)
    for photo in photos:
        if not overwrite and (job.folder(photo) / FIGURES).exists() and not job.state(photo):
            raise UserError(
                f"out={out}: has {photo.name} inverted from another photo or with other settings; choose another out=, "
                "or write over it with overwrite=on"
            )
    batches = [photos[start : start + batch] for start in range(0, len(photos), batch)]
    searches = [not all(map(job.state, group)) for group in batches]
    left = [photo for photo in photos if not job.state(photo).get("finished")]
    if len(left) < len(photos):
        print_line(f"{out}: {len(photos) - len(left)} of {len(photos)} photos are inverted already and skipped")
    for line in likeness_lines(job, left, references):
        print_line(line)
    steps = sum(map(len, compress(batches, searches))) * how.steps + len(left) * how.tune_steps
    with progress_bar(progress if steps else "", steps) as done:
        for group, is_open in zip(batches, searches, strict=True):
            if is_open:
                _search(job, group, done)
            for photo in group:
                if not job.state(photo).get("finished"):
                    _finish(job, photo, done)
    return _together(job, photos)


def likeness_lines(job: Job, photos: Sequence[Photo], references: References | None) -> list[str]:
    """A line for each photo that is unlike the model's data, and for the others if they are few."""
    if not photos or not (job.encoder or references):
        return []
    images = np.stack([photo.image for photo in photos])
    if job.encoder:
        found = likeness(job.model, job.encoder, images)
    else:
        assert references is not None
        found = references.likeness(images)
    lines = [
        f"{'warning: ' * one.unlike}{photo.name}: {one}"
        for photo, one in zip(photos, found, strict=True)
        if one.unlike or len(photos) <= FEW
    ]
    if len(photos) > FEW:
        farther = float(np.median([one.farther for one in found]))
        kind = f"{farther:.0%} of {found[0].kind} are farther from the model's pictures than the median photo"
        lines.append(f"{sum(one.unlike for one in found)} of {len(photos)} photos are unlike the model's data; {kind}")
    return lines


def _search(job: Job, photos: Sequence[Photo], done: Any) -> None:
    objective, started = job.objective(photos), time.perf_counter()
    codes = search(job.model, objective, done, job.encoder)
    seconds = (time.perf_counter() - started) / len(photos)
    for i, photo in enumerate(photos):
        if job.state(photo):
            continue
        codes[i].write(job.folder(photo) / CODES)
        figures = {
            "photo": photo.name,
            "request": job.request(photo),
            "finished": False,
            "perceptual": job.distance.name,
            "settings": asdict(job.how),
            **({"encoder": job.encoder.fingerprint} if job.encoder else {}),
            "frame": [photo.frame.left, photo.frame.top, photo.frame.width, photo.frame.height],
            "size": list(photo.size),
            "seconds": {"search": round(seconds, 2)},
            "w+": nearness(job.model, codes[i], objective.part(i)),
        }
        write_json(job.folder(photo) / FIGURES, figures)


def _finish(job: Job, photo: Photo, done: Any) -> None:
    """Tune, if the settings say so, and write everything; the figures last, because they mark the photo as finished."""
    folder, model = job.folder(photo), job.model
    codes, figures, objective = Codes.load(folder / CODES, model).untuned(), job.state(photo), job.objective([photo])
    first = last = draw(model, codes)
    if job.how.tune_steps:
        started = time.perf_counter()
        delta = tune(model, codes, objective, done=done)
        delta.save(folder / DELTA, overwrite=True)
        replace(codes, tuned=(Delta.load(folder / DELTA),)).write(folder / CODES)
        tuned = model.with_delta(delta)
        last, figures["tuned"] = draw(tuned, codes), nearness(tuned, codes, objective)
        figures["seconds"]["tuning"] = round(time.perf_counter() - started, 2)
        figures["delta_bytes"] = (folder / DELTA).stat().st_size
    else:
        (folder / DELTA).unlink(missing_ok=True)  # from other settings
    pictures = {
        "photo": photo.image.transpose(1, 2, 0),
        "from_codes": first.images[0],
        "reconstruction": last.images[0],
        "mask": last.masks[0],
        "labels": last.labels[0],
    }
    for name, picture in pictures.items():
        _save_image(Image.fromarray(picture), folder / f"{name}.png")
    _save_image(sheet(job, [photo]), folder / SHEET)
    write_json(folder / FIGURES, figures | {"finished": True})


def sheet(job: Job, photos: Sequence[Photo]) -> Image.Image:
    """A row per photo, from the written files: photo, picture of the codes, after tuning, mask, and the given mask."""
    columns = {"photo": "photo", "from_codes": "from codes", "reconstruction": "after tuning", "mask": "mask"}
    if not job.how.tune_steps:
        del columns["reconstruction"]
    given = any(photo.labels is not None for photo in photos)
    rows = []
    for photo in photos:
        row = [_read_picture(job.folder(photo) / f"{name}.png", photo) for name in columns]
        if given:
            black = np.zeros_like(row[0])
            row.append(black if photo.labels is None else color_masks(photo.labels, job.model.colors))
        rows.append(np.stack(row))
    headings = [*columns.values(), *(["mask given"] if given else [])]
    return table(rows, headings, [photo.name for photo in photos])


def _read_picture(path: Path, photo: Photo) -> np.ndarray:
    image = read_image(path)
    if image.shape != photo.image.shape:
        raise UserError(f"{path}: is not the picture that was written; remove it and run the command again")
    return image.transpose(1, 2, 0)


def _together(job: Job, photos: Sequence[Photo]) -> dict[str, dict[str, float]]:
    """Write the files for all photos together, and return the means."""
    figures = [job.state(photo) for photo in photos]
    codes = [Codes.load(job.folder(photo) / CODES, job.model) for photo in photos]
    concat_codes(codes).write(job.out / CODES)
    _save_image(sheet(job, photos[:SHOWN]), job.out / SHEET)
    stages = ["w+", "tuned"] if job.how.tune_steps else ["w+"]
    means = {stage: _means([one[stage] for one in figures]) for stage in stages}
    write_json(
        job.out / FIGURES, {"photos": len(photos), "perceptual": job.distance.name, "mean": means, "each": figures}
    )
    return means


def _means(figures: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean of each figure over the photos that have it."""
    names = dict.fromkeys(name for one in figures for name in one)
    return {name: float(np.mean([one[name] for one in figures if name in one])) for name in names}


def frames_in(codes: Path) -> dict[str, tuple[Frame, tuple[int, int]]]:
    """The frame and the size (height, width) of each inverted photo, by name, in the order of the codes.

    codes: a folder or codes.npz that `invert_files` wrote. Empty if they were not inverted, or by an older version.
    """
    file = (codes if codes.is_dir() else codes.parent) / FIGURES
    if not file.exists():
        return {}
    with reading(file, "figures of an inversion", "invert the photos again"):
        content = read_json(file)
        records = content.get("each", [content]) if isinstance(content, dict) else []
        check(records, [{"photo": STRING, "frame?": [COUNT], "size?": [COUNT]}])
        return {
            record["photo"]: (frame_of(record["frame"], *record["size"]), tuple(record["size"]))
            for record in records
            if "frame" in record and len(record.get("size", ())) == 2
        }


def _save_image(picture: Image.Image, path: Path) -> None:
    with atomic_file(path) as temporary:
        picture.save(temporary, "PNG")
