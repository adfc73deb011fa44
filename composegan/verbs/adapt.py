"""`composegan adapt`: fine-tune a trained model on images without masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from composegan.config.arguments import split_arguments
from composegan.config.schema import AdaptConfig, DataConfig, OutputConfig, TrainerConfig, TrainingConfig
from composegan.errors import UserError
from composegan.plugin.contracts import Verb
from composegan.plugin.fields import choice, number
from composegan.verbs.base import ModelCommand, help_function, read_settings


@dataclass
class Adapt(ModelCommand):
    domain: str = ""  # the model's domain, where its name is not enough: a path to a domain YAML; empty: as it says
    plugin_path: str | None = None  # folder of a plug-in that is not installed, such as a checkout; empty: none
    seed: int = number(0, least=0)  # seed of data order and every random draw
    freeze: str = choice("local", "none")  # local: train the render net only, keeping the layout; none: everything
    keep: float = number(AdaptConfig.keep, least=0)  # weight of the loss that ties masks to the model's, freeze=none
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    output: OutputConfig = field(default_factory=OutputConfig)  # type: ignore[assignment]
    trainer: TrainerConfig = field(default_factory=TrainerConfig)

    def check(self) -> None:
        super().check()
        if self.delta:
            raise UserError(f"delta={self.delta}: adapt starts from the model itself; leave it out")


def run(arguments: Sequence[str]) -> None:
    """Start a run on images without masks from a run's or a saved model."""
    choice = read_settings(Adapt, arguments, "adapt")
    given = [f"{key}={value}" for key, value in split_arguments(arguments) if key not in ("run", "model")]
    folder = choice.folder
    from composegan.runs.adapt import compose_adaptation
    from composegan.runs.fit import fit

    fit(compose_adaptation(folder, given))


verb = Verb(
    "fine-tune a trained model on images without masks", run,
    help_function(
        "adapt", ["run=PATH data.root=FOLDER key=value ...", "model=PATH data.demo=NAME key=value ..."],
        "Fine-tune a model on images without masks into runs/DOMAIN/TIME.", Adapt,
        ["The result is a run like any other: sample run=, or fit run= to resume it.",
         "",
         "The values below are those of fit. Settings that are not given are those of the adapted run, except that",
         "training.images is 2,000 steps, and pictures, scores and checkpoints are written ten times."],
    ),
)  # fmt: skip
