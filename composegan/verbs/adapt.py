"""`composegan adapt`: fine-tune a trained model on images without masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from composegan.config.arguments import split_arguments
from composegan.config.schema import AdaptConfig, DataConfig, OutputConfig, TrainerConfig, TrainingConfig
from composegan.errors import UserError
from composegan.verbs.choices import ModelChoice
from composegan.verbs.help_text import help_text

ABOUT = "fine-tune a trained model on images without masks"


@dataclass
class AdaptSettings(ModelChoice):
    domain: str = ""  # the model's domain, where its name is not enough: a path to a domain YAML; empty: as it says
    plugin_path: str | None = None  # folder of a plugin that is not installed, such as a checkout; empty: none
    seed: int = 0  # of data order and every draw
    freeze: str = AdaptConfig.freeze  # local: only the render net learns, and layout stays; none: all but the mapping
    keep: float = AdaptConfig.keep  # with freeze=none, weight of the loss that holds masks to the model's own; 0: free
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    output: OutputConfig = field(default_factory=OutputConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)

    def check(self) -> None:
        super().check()
        if self.delta:
            raise UserError(f"delta={self.delta}: weights tuned to some pictures; adapt begins with the model itself")


def help() -> str:
    usage = [
        "composegan adapt run=PATH data.root=FOLDER key=value ...",
        "composegan adapt model=PATH data.demo=NAME key=value ...",
    ]
    more = [
        "The run it makes is one like any other: sample run=, or fit run= to continue it.",
        "",
        "The values below are those of fit. What is not given is as in the run that is adapted, but training.images is",
        "2,000 steps, and pictures, scores and checkpoints are written ten times.",
    ]
    return help_text(usage, "Fine-tune a model on images without masks into runs/DOMAIN/TIME.", AdaptSettings, more)


def run(arguments: Sequence[str]) -> None:
    """Start a run on images without masks from a run's or a saved model; `composegan.runs.fit` says where."""
    from composegan.config.compose import read_arguments

    choice = read_arguments(AdaptSettings, arguments, see="composegan adapt --help")
    choice.check()
    given = [f"{key}={value}" for key, value in split_arguments(arguments) if key not in ("run", "model")]
    from composegan.runs.adapt import compose_adaptation
    from composegan.runs.fit import fit

    fit(compose_adaptation(choice.folder(), given))
