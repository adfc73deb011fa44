"""Evaluation of a model against real images."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from composegan.config.compose import announce_plugin_path, load_config, open_domain
from composegan.config.lists import names_in
from composegan.config.run_folder import CONFIG
from composegan.config.schema import DataConfig
from composegan.config.validate import validate_data
from composegan.data.cache import cache_folder
from composegan.data.open import demo_seed, open_detailed, open_source
from composegan.errors import Suggests, UserError, as_path, nearest, shown
from composegan.evaluation import report as reports
from composegan.evaluation.evaluate import Report, evaluate
from composegan.evaluation.floor import TIMES
from composegan.evaluation.real import RESIZE, real_set
from composegan.io.output import check_folder
from composegan.model.saved_model import Model
from composegan.model.space import differing
from composegan.plugin import registry
from composegan.plugin.contracts import METRIC
from composegan.plugin.domain import DomainPlugin
from composegan.plugin.registry import Found


@dataclass(frozen=True, eq=False, repr=False)
class EvaluationResult(Suggests):
    """What was measured: `evaluation["FSD"]` is a value.

    report: all figures, see `composegan.evaluation.evaluate.Report`; settings: plain values of how they were taken;
    statistics: the folder that keeps the real set's statistics, None if they are not kept.
    """

    report: Report
    settings: Mapping[str, Any]
    statistics: Path | None

    @property
    def values(self) -> dict[str, float]:
        """Every figure by name."""
        return {figure.name: figure.value for figure in self.report.figures}

    def __contains__(self, name: object) -> bool:
        """Whether a figure of this name was measured."""
        return name in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __getitem__(self, name: str) -> float:
        """Raises UserError offering the nearest name."""
        if not isinstance(name, str) or name not in self.values:
            raise UserError(f"there is no figure {shown(name)}; {nearest(name, self.values)}")
        return self.values[name]

    def save(self, folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write evaluation.json, evaluation.md and pictures.

        overwrite: also write into a folder that holds anything but a saved evaluation. Raises UserError for such a
        folder otherwise, and if writing fails.
        """
        folder = as_path("folder", folder)
        check_folder(folder, ("evaluation.json", "evaluation.md"), ("*.png",), overwrite)
        return reports.save(self.report, self.settings, folder)

    def __str__(self) -> str:
        return "\n".join(reports.lines_of(self.report, self.settings))

    def __repr__(self) -> str:
        values = ", ".join(f"{name} {value:.4g}" for name, value in list(self.values.items())[:5])
        return f"EvaluationResult({values}{', ...' * (len(self.values) > 5)})"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.values)


def evaluate_model(
    model: Model,
    plugin: DomainPlugin,
    data: DataConfig,
    metrics: str | Sequence[Found] = "all",
    *,
    n: int = 1000,
    seed: int = 0,
    truncation: float = 1.0,
    real_images: int = 50_000,
    inception: str | None = None,
    batch: int = 32,
    name: str = "",
) -> EvaluationResult:
    """Compare n random pictures of the model with the images of `data`, at most real_images of them.

    metrics: names such as "FSD,edit_leakage", "all", or metrics of the registry; inception: file of Inception weights;
    name: of the model, for the report. Raises UserError for unknown metrics, for data of another size, and for data
    that cannot be read.
    """
    wanted = metric_names(metrics) if isinstance(metrics, str) else metrics
    size = (model.generator.height, model.generator.width)
    if (data.height, data.width) != size:
        raise UserError(f"data.height, data.width: the model draws {size[0]}x{size[1]}; leave them out")
    validate_data(data)
    spec = plugin.spec
    where = f"of {data.root}" if data.root else f"{data.demo or 'demo'}, seed {demo_seed(data)}"
    title = f"{spec.name} {data.split} ({where})"
    statistics = cache_folder(data) / "statistics"
    source = open_source(plugin, data)
    real = real_set(
        source, data, len(spec.names), title, real_images, statistics,
        None if data.root else lambda: open_detailed(plugin, data, TIMES),
    )  # fmt: skip
    report = evaluate(model, real, wanted, n=n, seed=seed, truncation=truncation, inception=inception, batch=batch)
    settings = {
        "model": name or model.domain, "n": n, "seed": seed, "truncation": truncation, "height": data.height,
        "width": data.width, "real_set": title, "real_images": len(real), "real_resize": RESIZE,
    }  # fmt: skip
    return EvaluationResult(report, settings, real.folder)


def metric_names(text: str) -> list[str]:
    """The names in `text`, such as "FSD,edit_leakage" or "all". Raises UserError for unknown ones."""
    own = registry.names(METRIC, own=True)
    if not (wanted := names_in(text, own, "metrics", more=registry.names(METRIC))):
        raise UserError(f"metrics=: name at least one, or all; there are: {', '.join(own)}")
    return wanted


def open_domain_of(model: Model, domain: str = "", plugin_path: str | None = None) -> DomainPlugin:
    """The domain whose images a model is compared with; default, the model's own, as installed or kept in its run.

    Raises UserError if there is no such domain, or if its classes are not the model's.
    """
    try:
        plugin = open_domain(domain or model.domain, plugin_path)
    except UserError as error:
        if domain:
            raise
        home = model.folder.absolute() if model.folder else Path()
        if home.name == "model" and (home.parent / CONFIG).is_file():
            config = load_config(home.parent / CONFIG)
            announce_plugin_path(home.parent, config, [])
            return open_domain_of(model, config.domain, config.plugin_path)
        raise UserError(f"the model is of domain {model.domain!r}, which is not installed; give domain=FILE") from error
    if plugin.spec.names != model.classes:
        differ = differing(plugin.spec.names, model.classes)
        raise UserError(f"domain={plugin.spec.name}: has other classes than the model (they differ in: {differ})")
    return plugin
