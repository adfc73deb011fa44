"""Stage `train`: one training run on avatars at 128 that is resumed from call to call, and its metrics.

`composegan fit` and `composegan evaluate` run as processes of their own, as a user would start and stop them.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.gpu import GpuConfig
from benchmarks.jobs import Budget
from benchmarks.measure import machine
from benchmarks.networks import TINY_RUN
from benchmarks.script import newest_run, write_json
from composegan.config.compose import load_config
from composegan.config.run_folder import CONFIG
from composegan.io.atomic import atomic_file

AVATARS = """
recipe=paper256 data.height=128 data.width=128 data.demo_count=20000 data.workers=8
model.latent_channels=256 model.mapping_layers=4 model.local_layers=8 model.depth_layers=5 model.local_channels=48
model.coarse_channels=192 model.coarse_size=32 model.min_feat_size=8 model.channel_multiplier=0.375
model.max_channels=192 model.discriminator_multiplier=0.5 model.discriminator_max_channels=256 model.noise=false
model.recompute=false training.batch=64 training.r1_image=5 training.r1_mask=50 training.path_every=0
training.ema_rampup=0.05 output.samples_every=50000 output.checkpoint_every=25000 output.score_every=50000
output.score_samples=1024 output.log_every=5000 trainer.deterministic=false
"""
"""3.7 M and 10.3 M parameters; 4.3 and 11.8 billion operations per picture. As in the quick recipe: no noise maps
(drawings are flat), no path-length penalty, coarse maps at a quarter of the image size, and its R1 weights."""
MODERN = """
model.coarse_size=64 training.class_sets=data training.presence=1 training.r1_image=10 training.r1_mask=10
training.loss.modern.warmup=20000
"""
"""With `training.loss=modern`, in addition: as its quick recipe; a warm-up of 312 steps. Not tried yet."""
TINY = f"""
{TINY_RUN} data.demo_count=12 training.batch=4 output.samples=4 output.score_every=8 output.score_samples=8
output.samples_every=8 output.log_every=4 output.checkpoint_every=8
"""
MEASURING, ENDING = 120.0, 30.0
"""Seconds reserved for the evaluation, and for the last step with its checkpoint."""
FRAMES = 8
"""Rows of the picture of progress."""


def run(config: GpuConfig, budget: Budget, command: str, networks: Sequence[str]) -> list[Path]:
    """Train for the time there is, then evaluate. Returns the files written to `config.out`.

    networks: settings of `composegan fit`, for a new run.
    """
    work, out = Path(config.work).absolute(), Path(config.out)
    facts_file = work / "train.json"
    before = json.loads(facts_file.read_text()) if facts_file.exists() else {"calls": []}
    run = newest_run(work / "train")
    device = config.device or "auto"
    settings = [f"training.images={config.images}", f"trainer.accelerator={'gpu' if device == 'cuda' else device}"]
    if run:
        arguments = ["fit", f"run={run}", *settings]
    else:
        folders = [f"output.root={work / 'train'}", f"data.cache={work / 'cache'}"]
        arguments = ["fit", "domain=faces", *settings_of(networks, config.tiny), *folders, *settings]
    seen = images_seen(run) if run else 0
    start = time.monotonic()
    train(arguments, work / "train.log", budget.left() - (20 if config.tiny else MEASURING))
    run = newest_run(work / "train")
    assert run is not None
    call = {"minutes": round((time.monotonic() - start) / 60, 2), "from": seen, "to": images_seen(run)}
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    scores = {row["images_seen"]: row["score/sliced_wasserstein"] for row in rows}
    rates = [float(row["images_per_second"]) for row in rows]
    facts = {
        "command": command,
        "machine": machine(),
        "fit": " ".join(["composegan", *(before.get("fit", "").split()[1:] or arguments)]),
        "calls": [*before["calls"], call],
        "images_seen": images_seen(run),
        "images a second, median": round(statistics.median(rates), 1) if rates else None,
        "sliced Wasserstein, by images seen": {seen: round(float(score), 5) for seen, score in scores.items() if score},
        "evaluation": evaluate(run, work, budget, config.tiny),
    }
    written = [out / "train.json", out / "train_grid.png", out / "train_progress.png"]
    write_json(facts_file, facts)
    write_json(written[0], facts)
    grids = sorted((run / "samples").glob("*.png"), key=lambda path: int(path.stem))
    with atomic_file(written[1]) as path:
        shutil.copyfile(grids[-1], path)
    with atomic_file(written[2]) as path:
        film_strip(grids, load_config(run / CONFIG).data.height).save(path)
    if config.keep_model:
        written.append(Path(shutil.copytree(run / "model", out / "model", dirs_exist_ok=True)))
    return written


def settings_of(networks: Sequence[str], tiny: bool) -> list[str]:
    """The settings of the run, overridden by those of `networks`."""
    usual = TINY if tiny else AVATARS + MODERN * ("training.loss=modern" in networks)
    return list({text.partition("=")[0]: text for text in (*usual.split(), *networks)}.values())


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-u", "-m", "composegan.cli", *arguments]


def train(arguments: list[str], log: Path, seconds: float) -> None:
    """Run `composegan fit` for `seconds`, then stop it with SIGTERM, as a job scheduler would.

    Prints the end of its output. Raises SystemExit if it fails.
    """
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
    print("\n".join(log.read_text().splitlines()[-12:]), flush=True)
    if process.returncode not in (0, 130):  # finished, stopped
        raise SystemExit(f"composegan fit ended with {process.returncode}; see {log}")


def images_seen(run: Path) -> int:
    """Images that the run's saved model was trained on."""
    model = run / "model" / "config.json"
    return json.loads(model.read_text())["about"]["images_seen"] if model.exists() else 0


def evaluate(run: Path, work: Path, budget: Budget, tiny: bool) -> dict[str, Any]:
    """The metrics of `composegan evaluate`, or its error."""
    how = ["metrics=sliced_wasserstein,FSD", "n=8"] if tiny else ["n=5000", "real_images=10000", "batch=64"]
    environment = {**os.environ, "COMPOSEGAN_CACHE": str(work / "cache")}
    try:
        done = subprocess.run(
            program("evaluate", f"run={run}", f"out={work / 'evaluation'}", "overwrite=on", *how),
            capture_output=True, text=True, timeout=max(budget.left(), 30), env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": "out of time; the next call of this stage evaluates again"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no output"])[-1]}
    print(done.stdout, flush=True)
    found = json.loads((work / "evaluation" / "evaluation.json").read_text())
    keys = ("name", "value", "halves", "images", "real_images")
    figures = [{key: figure.get(key) for key in keys} for figure in found["figures"]]
    return {"figures": figures, **{key: found[key] for key in ("settings", "classes", "skipped")}}


def film_strip(grids: list[Path], height: int) -> Image.Image:
    """The first row (`height` pixels) of grids from the first to the last, denser at the beginning."""
    last = len(grids) - 1
    rows = []
    for number in sorted({round(last * (frame / (FRAMES - 1)) ** 2) for frame in range(FRAMES)}):
        with Image.open(grids[number]) as sheet:
            rows.append(sheet.convert("RGB").crop((0, 0, sheet.width, height)))
    strip = Image.new("RGB", (rows[0].width, height * len(rows)))
    for number, row in enumerate(rows):
        strip.paste(row, (0, height * number))
    return strip
