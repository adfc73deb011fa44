"""Make a model that comes with the package out of a run on drawn data: its weights, its configuration and its card.

    python -m benchmarks.ship run=runs/faces/TIME name=faces summary="drawn avatars" machine="2 CPU cores"

Takes the averaged generator of the run, stores it in half precision, evaluates it on held-out drawings, and writes the
folder composegan/shipped/NAME, of at most 8 MB. Refuses runs that were trained on anything but the demo of one of
composegan's own domains. Review the card before you commit the folder: `composegan models NAME` prints it.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.script import CHECKOUT, output, read_settings, run_study
from benchmarks.ship_card import Facts, card, training_command
from composegan.api.evaluation import EvaluationResult, evaluate_model, open_domain_of
from composegan.api.fit import Run
from composegan.api.model import Model, load
from composegan.config.compose import load_config
from composegan.config.run_folder import CONFIG as RUN_CONFIG
from composegan.config.run_folder import require_run
from composegan.config.schema import Config, DataConfig
from composegan.data.packed import PackedSource, is_packed
from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.output import is_occupied
from composegan.model import model_files
from composegan.plugin import registry
from composegan.plugin.contracts import DOMAIN
from composegan.plugin.fields import number
from composegan.shipped import CARD, CONFIG, LARGEST, WEIGHTS

VISIBLE = 0.5
"""Mean change of a picture in grey levels, of 255, from which half precision is refused."""


@dataclass
class ShipSettings:
    run: str = ""  # run folder of the model
    name: str = ""  # name of the model: lower-case letters, digits and hyphens
    summary: str = ""  # what it draws, in a few words, for the list of models
    machine: str = ""  # what it was trained on, such as "2 CPU cores"
    hours: float | None = number(None, above=0)  # of training; empty: by the speeds in the run's metrics.csv
    limits: str = ""  # known weaknesses of this model, in sentences, for its card
    n: int = number(1000, least=2)  # pictures that are evaluated, and held-out drawings
    metrics: str = "all"  # of the evaluation
    half: bool = True  # store the weights in half precision
    out: str = ""  # folder to write; empty: composegan/shipped/NAME
    overwrite: bool = False  # replace the model that is there


def main(arguments: Sequence[str]) -> None:
    settings = read_settings(ShipSettings, arguments, "ship")
    out = _check(settings)
    run = require_run(Path(settings.run).expanduser())
    config = load_config(run / RUN_CONFIG)
    check_drawn(run, config)
    model = load(run)
    parameters = sum(parameter.numel() for parameter in model.generator.parameters())
    about = {**model.about, "parameters": parameters, "summary": settings.summary}
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / settings.name
        model_files.save(made, model, about, torch.float16 if settings.half else None)
        _size(made)
        shipped = load(made)
        grey, labels = difference(model, shipped)
        if settings.half:
            print(f"half precision: pictures change by {grey:.3f} grey levels, labels of {labels:.3%} of the pixels")
        if grey > VISIBLE:
            raise UserError(f"half=on: pictures change by {grey:.2f} grey levels on average; write half=off")
        data = held_out(config, shipped, settings.n)
        result = evaluation(shipped, data, settings)
        print(result)
        facts = Facts(
            name=settings.name, summary=settings.summary, limits=settings.limits, machine=settings.machine,
            hours=settings.hours or training_hours(Run(run).metrics), command=training_command(config, _given(run)),
            evaluate=_evaluate_command(settings, data), versions=json.loads((run / "plugins.json").read_text()),
            seed=config.seed, demo=config.data.demo, demo_count=config.data.demo_count, half=settings.half,
            change=(grey, labels),
        )  # fmt: skip
        (made / CARD).write_text(card(facts, shipped, result), encoding="utf-8")
        size = _size(made)
        for name in (WEIGHTS, CARD, CONFIG):
            with atomic_file(out / name) as path:
                path.write_bytes((made / name).read_bytes())
    print(f"wrote {out}, {size / 1e6:.2f} MB; review its {CARD}")


def _check(settings: ShipSettings) -> Path:
    """The folder to write. Raises UserError for settings that are missing or cannot be used."""
    for key in ("run", "name", "summary", "machine"):
        if not getattr(settings, key):
            raise UserError(f"{key}=: missing; see python -m benchmarks.ship --help")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", settings.name):
        raise UserError(f"name={settings.name}: must be lower-case letters, digits and hyphens, such as cars-large")
    out = output(settings.out, CHECKOUT / "composegan" / "shipped" / settings.name)
    if is_occupied(out) and not settings.overwrite:
        raise UserError(f"{out}: exists; choose another name, or replace it with overwrite=on")
    return out


def check_drawn(run: Path, config: Config) -> None:
    """Raise UserError unless the run was trained from scratch on drawings of one of composegan's own domains.

    The settings that it began with count as well as those that it was last resumed with.
    """
    given = _given(run)
    if any(key == "run" or not equals for key, equals, _ in (text.partition("=") for text in given)):
        raise UserError(f"run={run}: continues imported weights, whose data are not drawn; ship another run")
    if config.adapt.source:
        raise UserError(f"run={run}: is an adaptation of {config.adapt.source}; ship a run of `composegan fit`")
    if not registry.is_own(config.domain, DOMAIN):
        raise UserError(f"run={run}: its domain {config.domain!r} is not one of composegan's own")
    roots = [config.data.root, *(text.partition("=")[2] for text in given if text.startswith("data.root="))]
    for root in filter(None, roots):
        if not is_packed(Path(root)) or not PackedSource(Path(root)).index.source.startswith("demo, seed "):
            raise UserError(
                f"run={run}: was trained on data.root={root}; models that ship are trained on drawings only"
            )


def _size(folder: Path) -> int:
    """The bytes of a model's files. Raises UserError if they are too many."""
    if (size := sum(path.stat().st_size for path in folder.iterdir())) > LARGEST:
        raise UserError(
            f"{folder.name}: has {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f} MB; train a smaller model"
        )
    return size


def _given(run: Path) -> list[str]:
    """The arguments of the command that started the run."""
    return (run / "overrides.txt").read_text(encoding="utf-8", errors="surrogateescape").splitlines()


@torch.inference_mode()
def difference(one: Model, other: Model, n: int = 64) -> tuple[float, float]:
    """How far two models' pictures of the same n random vectors z differ.

    Returns the mean absolute difference in grey levels (0..255), and the share of pixels with another label.
    """
    z = torch.randn(n, one.generator.latent_channels, generator=torch.Generator().manual_seed(0))
    present = None if one.class_sets is None else one.class_sets.draw(n, torch.Generator().manual_seed(0))
    levels, labels = [], []
    for start, part in zip(range(0, n, 16), z.split(16), strict=True):
        classes = None if present is None else present[start : start + 16]
        first, second = (model.generator(model.generator.map(part), classes=classes) for model in (one, other))
        images = [(result.image.clamp(-1, 1) + 1) * 127.5 for result in (first, second)]
        levels.append((images[0] - images[1]).abs().mean().item())
        labels.append((first.mask.labels() != second.mask.labels()).double().mean().item())
    return sum(levels) / len(levels), sum(labels) / len(labels)


def held_out(config: Config, model: Model, n: int) -> DataConfig:
    """Drawings of the same demo that training has not seen."""
    size = {"height": model.generator.height, "width": model.generator.width}
    return DataConfig(
        **size, split="validation", demo=config.data.demo, demo_count=n, cache=config.data.cache, workers=0
    )


def evaluation(model: Model, data: DataConfig, settings: ShipSettings) -> EvaluationResult:
    """The figures of the model on held-out drawings."""
    plugin = open_domain_of(model)
    return evaluate_model(model, plugin, data, settings.metrics, n=settings.n, name=settings.name)


def _evaluate_command(settings: ShipSettings, data: DataConfig) -> str:
    given = {
        "data.split": "validation", "data.demo": data.demo, "data.demo_count": data.demo_count,
        "metrics": "" if settings.metrics == "all" else settings.metrics, "n": "" if settings.n == 1000 else settings.n,
    }  # fmt: skip
    texts = [f"{key}={value}" for key, value in given.items() if value]
    return " ".join([f"composegan evaluate model={settings.name}", *texts])


def training_hours(rows: Sequence[dict[str, float]]) -> float | None:
    """Hours of training by the speeds in a run's metrics, without the time when it was stopped; None without any."""
    seconds, before = 0.0, 0.0
    for row in rows:
        if speed := row.get("images_per_second"):
            seconds += (row["images_seen"] - before) / speed
            before = row["images_seen"]
    return seconds / 3600 or None


if __name__ == "__main__":
    run_study(main)
