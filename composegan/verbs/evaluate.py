"""`composegan evaluate`: how good a model is, in figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from composegan.config.lists import names_in
from composegan.config.schema import DataConfig
from composegan.errors import UserError
from composegan.plugin.contracts import METRIC, Verb
from composegan.plugin.fields import extension, extension_values, number
from composegan.verbs.base import WritingCommand, count, help_function, read_settings


@dataclass
class Evaluate(WritingCommand):
    domain: str = ""  # whose images are the real set; empty: the run's, or the model's own
    plugin_path: str | None = None  # folder of a plug-in that is not installed; empty: the run's, if it has one
    metrics: str = extension(METRIC, "all")  # which, such as FSD,edit_leakage; all: every one that can be computed
    n: int = count(1000, least=2)  # how many pictures are generated
    seed: int = number(0, least=0)  # seed of the generated pictures
    truncation: float = number(1.0, least=0, most=1)  # variety of generated pictures; 1: full; 0: mean picture
    real_images: int = count(50_000)  # at most this many real images
    inception: str | None = None  # file of Inception weights; empty: torch hub's copy, if there is one
    out: str | None = None  # folder to write; empty: evaluation in results/
    batch: int = count(32)  # pictures at a time
    data: DataConfig = field(default_factory=DataConfig)
    extensions: dict[str, Any] = extension_values()

    def check(self) -> None:
        super().check()
        if not self.metrics.strip(" ,"):
            raise UserError("metrics=: name at least one, or all; docs/guide/evaluation.md lists them")


def run(arguments: Sequence[str]) -> None:
    """Evaluate a run or a model; prints a table, and where the rest is.

    Settings that are not given are the run's. Raises UserError for what cannot be measured.
    """
    from composegan.config import extensions
    from composegan.config.arguments import split_arguments
    from composegan.config.merge import merge
    from composegan.plugin import registry
    from composegan.verbs.run_data import with_run_data

    choice = read_settings(Evaluate, arguments, "evaluate")
    base = with_run_data(Evaluate(), choice.folder, choice.plugin_path, arguments)
    names = names_in(choice.metrics, registry.names(METRIC, own=True), "metrics", more=registry.names(METRIC))
    from composegan.api.evaluation import evaluate_model, open_domain_of
    from composegan.evaluation.shares import together

    out = choice.new_output(choice.out, "evaluation")
    with together() as first:
        model = choice.load_model()
        base.data = replace(base.data, height=model.generator.height, width=model.generator.width)
        given = merge(Evaluate, [("", split_arguments(arguments))], base=base, see="composegan evaluate --help")
        extensions.resolve_extensions(given, dict(split_arguments(arguments)))
        metrics = [extensions.extension(given, "metrics", name) for name in names]
        plugin = open_domain_of(model, given.domain, given.plugin_path)
        evaluation = evaluate_model(
            model, plugin, given.data, metrics, n=given.n, seed=given.seed, truncation=given.truncation,
            real_images=given.real_images, inception=given.inception, batch=given.batch,
            name=choice.model or str(choice.folder),
        )  # fmt: skip
        if first:
            print(evaluation)
            print(f"statistics of the real set are kept in {evaluation.statistics}")
            print(f"wrote {evaluation.save(out, overwrite=True)}")


verb = Verb(
    "measure how good a model is", run,
    help_function(
        "evaluate", ["run=PATH key=value ...", "model=PATH domain=NAME key=value ..."],
        "Compare generated pictures with real ones. docs/guide/evaluation.md explains the results.",
        Evaluate,
        ["Where data.* below are not given, those of the run apply; data.height and data.width are the model's.",
         "On several GPUs: torchrun --nproc-per-node=N -m composegan.cli evaluate key=value ..."],
    ),
)  # fmt: skip
