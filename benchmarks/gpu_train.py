"""Stage `train` of `benchmarks.gpu`: one run on avatars at 128 that goes on from call to call, and what came of it.

Both training and measuring are the program's own, in processes of their own, as a person starts and stops them.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from benchmarks.measure import machine
from benchmarks.stage import Budget
from composegan.config.compose import load_config
from composegan.config.run_folder import CONFIG
from composegan.io.atomic import atomic_file

if TYPE_CHECKING:
    from benchmarks.gpu import GpuConfig

AVATARS = """
recipe=paper256 data.height=128 data.width=128 data.demo_count=20000 data.workers=8
model.latent_channels=256 model.mapping_layers=4 model.local_layers=8 model.depth_layers=5 model.local_channels=48
model.coarse_channels=192 model.coarse_size=32 model.min_feat_size=8 model.channel_multiplier=0.375
model.max_channels=192 model.discriminator_multiplier=0.5 model.discriminator_max_channels=256 model.noise=false
model.recompute=false training.batch=64 training.r1_image=5 training.r1_mask=50 training.path_every=0
training.ema_rampup=0.05 output.samples_every=50000 output.checkpoint_every=25000 output.score_every=50000
output.score_samples=1024 output.log_every=5000 trainer.deterministic=false
"""
"""3.7 M and 10.3 M parameters; 4.3 and 11.8 billion operations a picture. As in the quick recipe, which is measured: no
noise maps (drawings are flat), no path-length penalty, coarse maps of a quarter of the side, and its R1 weights."""
TINY = """
recipe=quick data.height=16 data.width=16 data.demo_count=12 data.workers=0 trainer.threads=1
model.latent_channels=16 model.mapping_layers=2 model.local_layers=3 model.depth_layers=2 model.local_channels=8
model.coarse_channels=8 model.coarse_size=8 model.min_feat_size=4 model.max_channels=8
model.discriminator_max_channels=8 training.batch=4 output.samples=4 output.score_every=8 output.score_samples=8
output.samples_every=8 output.log_every=4 output.checkpoint_every=8
"""
MEASURING, ENDING = 120.0, 30.0
"""Seconds that are kept for the figures, and for the last step with its checkpoint."""


def run(config: GpuConfig, budget: Budget, command: str) -> list[Path]:
    """Train for the time there is, then measure. Returns what was written to `config.out`."""
    work, out = Path(config.work).absolute(), Path(config.out)
    facts_file = work / "train.json"
    before = json.loads(facts_file.read_text()) if facts_file.exists() else {"calls": []}
    runs = sorted(work.glob(f"train/faces/*/{CONFIG}"))
    device = config.device or "auto"
    settings = [f"training.images={config.images}", f"trainer.accelerator={'gpu' if device == 'cuda' else device}"]
    if runs:
        arguments = ["fit", f"run={runs[-1].parent}", *settings]
    else:
        where = [f"output.root={work / 'train'}", f"data.cache={work / 'cache'}"]
        arguments = ["fit", "domain=faces", *(TINY if config.tiny else AVATARS).split(), *where, *settings]
    seen = images_seen(runs[-1].parent) if runs else 0
    start = time.monotonic()
    train(arguments, work / "train.log", budget.left() - (20 if config.tiny else MEASURING))
    folder = sorted(work.glob(f"train/faces/*/{CONFIG}"))[-1].parent
    call = {"minutes": round((time.monotonic() - start) / 60, 2), "from": seen, "to": images_seen(folder)}
    log = read_metrics(folder)
    facts = {
        "command": command,
        "machine": machine(),
        "fit": " ".join(["composegan", *(before.get("fit", "").split()[1:] or arguments)]),
        "calls": [*before["calls"], call],
        "images_seen": images_seen(folder),
        "images a second, median": round(statistics.median(log["images_per_second"]), 1) if log else None,
        "sliced Wasserstein, by images seen": dict(log["score"]) if log else {},
        "evaluation": evaluate(folder, work, budget, config.tiny),
    }
    for path in (facts_file, out / "train.json"):
        with atomic_file(path) as file:
            file.write_text(json.dumps(facts, indent=2) + "\n")
    with atomic_file(out / "train_grid.png") as file:
        shutil.copyfile(sheets(folder)[-1], file)
    with atomic_file(out / "train_progress.png") as file:
        film_strip(sheets(folder), load_config(folder / CONFIG).data.height).save(file)
    written = [out / "train.json", out / "train_grid.png", out / "train_progress.png"]
    if config.keep_model:
        written.append(Path(shutil.copytree(folder / "model", out / "model", dirs_exist_ok=True)))
    return written


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-u", "-m", "composegan.cli", *arguments]


def train(arguments: list[str], log: Path, seconds: float) -> None:
    """Run `composegan fit` for so long, then ask it to stop, as Ctrl-C or a job system does. Raises SystemExit with the
    end of what it said when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file, subprocess.Popen(program(*arguments), stdout=file, stderr=file) as process:
        try:
            process.wait(timeout=max(seconds - ENDING, 1))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=2 * ENDING)
            except subprocess.TimeoutExpired:
                process.kill()
    said = "\n".join(log.read_text().splitlines()[-12:])
    print(said, flush=True)
    if process.returncode not in (0, 130):  # done, stopped
        raise SystemExit(f"composegan fit ended with {process.returncode}; see {log}")


def images_seen(run: Path) -> int:
    """As far as the run's saved model goes."""
    model = run / "model" / "config.json"
    return json.loads(model.read_text())["about"]["images_seen"] if model.exists() else 0


def read_metrics(run: Path) -> dict[str, Any]:
    """Pictures a second, and (images seen, score) pairs, from the run's metrics.csv."""
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return {}
    scored = [row for row in rows if row.get("score/sliced_wasserstein")]
    return {
        "images_per_second": [float(row["images_per_second"]) for row in rows],
        "score": [(row["images_seen"], round(float(row["score/sliced_wasserstein"]), 5)) for row in scored],
    }


def evaluate(run: Path, work: Path, budget: Budget, tiny: bool) -> dict[str, Any]:
    """The figures of `composegan evaluate`, or why there are none."""
    how = ["metrics=sliced_wasserstein,FSD", "n=8"] if tiny else ["n=5000", "real_images=10000", "batch=64"]
    environment = {**os.environ, "COMPOSEGAN_CACHE": str(work / "cache")}
    try:
        done = subprocess.run(
            program("evaluate", f"run={run}", f"out={work / 'evaluation'}", *how),
            capture_output=True, text=True, timeout=max(budget.left(), 30), env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": "not done in time; the next call of this stage measures again"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["nothing was said"])[-1]}
    print(done.stdout, flush=True)
    found = json.loads((work / "evaluation" / "evaluation.json").read_text())
    keys = ("name", "value", "halves", "images", "real_images")
    figures = [{key: figure.get(key) for key in keys} for figure in found["figures"]]
    return {"settings": found["settings"], "figures": figures, "classes": found["classes"], "skipped": found["skipped"]}


def sheets(run: Path) -> list[Path]:
    """The grids of a run, in order."""
    return sorted((run / "samples").glob("*.png"), key=lambda path: int(path.stem))


def film_strip(grids: list[Path], height: int, frames: int = 8) -> Image.Image:
    """The first row, so many pixels high, of grids from the first to the last, more of them from the beginning."""
    last = len(grids) - 1
    chosen = sorted({round(last * (number / max(frames - 1, 1)) ** 2) for number in range(frames)})
    rows = []
    for number in chosen:
        with Image.open(grids[number]) as sheet:
            rows.append(sheet.convert("RGB").crop((0, 0, sheet.width, height)))
    strip = Image.new("RGB", (rows[0].width, sum(row.height for row in rows)))
    top = 0
    for row in rows:
        strip.paste(row, (0, top))
        top += row.height
    return strip
