"""`composegan evaluate`: how good a model is, in figures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from composegan.config.lists import names_in
from composegan.config.run_folder import CONFIG
from composegan.config.schema import DataConfig
from composegan.errors import UserError
from composegan.verbs.choices import ModelChoice, at_least
from composegan.verbs.help_text import help_text

if TYPE_CHECKING:
    from composegan.model.saved_model import Model
    from composegan.plugin.domain import DomainPlugin

ABOUT = "measure how good a model is"
SEE = "composegan evaluate --help"


@dataclass
class EvaluateConfig(ModelChoice):
    domain: str = ""  # whose images are the real set; empty: the run's, or the model's own
    plugin_path: str | None = None  # folder of a plugin that is not installed; empty: the run's, if it has one
    metrics: str = "all"  # which, such as FSD,edit_leakage; all: every one that can be taken
    n: int = 1000  # how many pictures are generated
    seed: int = 0  # of the generated pictures
    truncation: float = 1.0  # of the generated pictures; below 1: less varied, often better looking
    real_images: int = 50_000  # at most so many real images
    inception: str | None = None  # file of Inception weights; empty: torch hub's copy, if there is one
    out: str | None = None  # folder to write; empty: evaluation in the run's or model's folder
    batch: int = 32  # pictures at a time
    data: DataConfig = field(default_factory=DataConfig)

    def check(self) -> None:
        super().check()
        at_least(0, seed=self.seed)
        at_least(1, batch=self.batch, real_images=self.real_images)
        if self.n < 2:
            raise UserError(f"n={self.n}: at least 2 pictures are needed, and 1,000 to say much")
        if not 0 <= self.truncation <= 1:
            raise UserError(f"truncation={self.truncation}: must be 0 to 1")
        if not self.metrics.strip(" ,"):
            from composegan.plugin import registry
            from composegan.plugin.contracts import METRIC

            raise UserError(f"metrics=: which? all, or some of: {', '.join(registry.names(METRIC))}")


def help() -> str:
    usage = ["composegan evaluate run=PATH key=value ...", "composegan evaluate model=PATH domain=NAME key=value ..."]
    about = "Compare generated pictures with real ones. Figures go to evaluation.json, their meaning: docs/guide."
    more = [
        "The real set is the run's own unless data.* say otherwise; its size is the model's.",
        "On several GPUs: torchrun --nproc-per-node=N -m composegan.cli evaluate key=value ...",
    ]
    return help_text(usage, about, EvaluateConfig, more)


def run(arguments: Sequence[str]) -> None:
    """Evaluate a run or a model; prints a table and says where the rest is."""
    from composegan.config.compose import load_config, read_arguments
    from composegan.plugin import registry
    from composegan.plugin.contracts import METRIC

    config = read_arguments(EvaluateConfig, arguments, see=SEE)
    config.check()
    folder = config.folder()
    base = EvaluateConfig()
    if (folder / CONFIG).is_file():
        own = load_config(folder / CONFIG)
        base = EvaluateConfig(domain=own.domain, plugin_path=own.plugin_path, data=own.data)
    if plugin_path := config.plugin_path or base.plugin_path:
        registry.add_plugin_path(os.path.expanduser(plugin_path))
    wanted = names_in(config.metrics, registry.names(METRIC, own=True), "metrics", more=registry.names(METRIC))
    from composegan.evaluation.shares import together

    with together() as first:
        _evaluate(arguments, folder, config.load_from(folder), base, wanted, first)


def _evaluate(
    arguments: Sequence[str], folder: Path, model: Model, base: EvaluateConfig, wanted: Sequence[str], first: bool
) -> None:
    """base: what is not among the arguments. first: whether to write and speak, where several processes share it."""
    from composegan.config.arguments import split_arguments
    from composegan.config.merge import merge

    base.data = replace(base.data, height=model.generator.height, width=model.generator.width)
    config = merge(EvaluateConfig, [("", split_arguments(arguments))], base=base, see=SEE)
    if (config.data.height, config.data.width) != (base.data.height, base.data.width):
        size = f"{base.data.height}x{base.data.width}"
        raise UserError(f"data.height, data.width: the model draws {size}, and real images are brought to that")
    plugin = _domain(config.domain, config.plugin_path, model)

    from composegan.config.validate import validate_data
    from composegan.data.open import cache_folder, demo_seed, open_source
    from composegan.evaluation import report as reports
    from composegan.evaluation.evaluate import evaluate
    from composegan.evaluation.real import RESIZE, real_set

    validate_data(config.data)
    data, spec = config.data, plugin.spec
    where = f"of {data.root}" if data.root else f"{data.demo or 'demo'}, seed {demo_seed(data)}"
    name = f"{spec.name} {data.split} ({where})"
    source = open_source(plugin, data)
    real = real_set(source, data, len(spec.names), name, config.real_images, cache_folder(data) / "statistics")
    report = evaluate(
        model, real, wanted, n=config.n, seed=config.seed, truncation=config.truncation, inception=config.inception,
        batch=config.batch,
    )  # fmt: skip
    if not first:
        return
    settings = {
        "model": str(folder), "n": config.n, "seed": config.seed, "truncation": config.truncation,
        "height": data.height, "width": data.width, "real_set": name, "real_images": len(real), "real_resize": RESIZE,
    }  # fmt: skip
    print("\n".join(reports.lines_of(report, settings)))
    out = Path(config.out).expanduser() if config.out else folder / "evaluation"
    print(f"statistics of the real set are kept in {real.folder}")
    print(f"wrote {reports.save(report, settings, out)}")


def _domain(domain: str, plugin_path: str | None, model: Model) -> DomainPlugin:
    """The domain that is meant, known to have the model's classes. Raises UserError when it has others."""
    from composegan.config.compose import open_domain

    try:
        plugin = open_domain(domain or model.domain, plugin_path)
    except UserError as error:
        if domain:
            raise
        raise UserError(f"the model is of domain {model.domain!r}, which is not installed; give domain=FILE") from error
    if plugin.spec.names != model.classes:
        differ = ", ".join(sorted(set(plugin.spec.names) ^ set(model.classes))[:5]) or "their order"
        raise UserError(f"domain={plugin.spec.name}: has other classes than the model (they differ in: {differ})")
    return plugin
