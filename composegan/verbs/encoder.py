"""`composegan encoder`: train a network that finds the codes of photos in one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composegan.config.encoder import EncoderConfig
from composegan.config.schema import DataConfig
from composegan.errors import UserError
from composegan.plugin.contracts import Verb
from composegan.plugin.fields import extension_values
from composegan.shipped import names
from composegan.verbs.base import WritingCommand, help_function, read_settings

if TYPE_CHECKING:
    from composegan.model.saved_model import Model
    from composegan.plugin.domain import DomainPlugin, Source


@dataclass
class TrainEncoder(EncoderConfig, WritingCommand):
    domain: str = ""  # whose images are the real pictures; empty: the run's, or the model's own
    plugin_path: str | None = None  # folder of a plug-in that is not installed; empty: the run's, if it has one
    out: str | None = None  # folder for encoder.safetensors; empty: the model's, where invert finds it
    data: DataConfig = field(default_factory=DataConfig)
    extensions: dict[str, Any] = extension_values()

    def check(self) -> None:
        super().check()
        if self.delta:
            raise UserError("delta=: an encoder belongs to a model as it was trained; leave delta out")
        if self.model in names() and not self.out:
            raise UserError(
                f"out=: missing; model={self.model} comes with composegan, in a folder that is only read. Write "
                "out=FOLDER, then `composegan invert encoder=FOLDER`"
            )


def run(arguments: Sequence[str]) -> None:
    """Train an encoder, and print what was measured on held-out pictures. Settings of data that are not given are the
    run's."""
    from composegan.config import extensions
    from composegan.config.arguments import split_arguments
    from composegan.config.merge import merge
    from composegan.verbs.run_data import with_run_data

    choice = read_settings(TrainEncoder, arguments, "encoder")
    base = with_run_data(TrainEncoder(), choice.folder, choice.plugin_path, arguments)
    model = choice.load_model()
    base.data = replace(base.data, height=model.generator.height, width=model.generator.width)
    given = merge(TrainEncoder, [("", split_arguments(arguments))], base=base, see="composegan encoder --help")
    extensions.resolve_extensions(given, dict(split_arguments(arguments)))
    given.check()
    from composegan.editing.encoder.encoder_file import ENCODER
    from composegan.editing.encoder.train import train_encoder

    folder = Path(given.out).expanduser() if given.out else model.folder
    assert folder is not None
    plugin, source = data_of(model, given)
    settings = EncoderConfig(**{name: getattr(given, name) for name in EncoderConfig.__dataclass_fields__})
    mirrored = plugin.spec.mirrored if plugin else ()
    trained = train_encoder(model, source, given.data, settings, folder, mirrored, overwrite=given.overwrite)
    figures = trained.figures
    kind = "held-out pictures of the data" if figures["real"] else "generated pictures"
    print(f"on {int(figures['pictures'])} {kind}:")
    for how in ("without", "with"):
        parts = (f"  {name} {figures[f'{name}_{how}_mask']:.4g}" for name in ("mse", "perceptual", "mask_iou"))
        print(f"{how + ' mask':13}" + "".join(parts))
    print(f"wrote {folder / ENCODER}")


def data_of(model: Model, given: TrainEncoder) -> tuple[DomainPlugin | None, Source | None]:
    """The domain and the model's real pictures; prints which. (None, None) if they are not at hand, or not wanted."""
    from composegan.api.evaluation import open_domain_of
    from composegan.config.validate import validate_data
    from composegan.data.open import open_source

    if not given.real:
        print("real=0: training on generated pictures only", flush=True)
        return None, None
    validate_data(given.data)
    try:
        plugin = open_domain_of(model, given.domain, given.plugin_path)
        if not given.data.root and plugin.demo is None:
            raise UserError("data.root=: missing, and the domain has no demo data")
        source = open_source(plugin, given.data)
    except UserError as error:
        if given.domain or given.data.root:
            raise UserError(f"{error} (real=0 trains on generated pictures only)") from error
        print(f"training on generated pictures only: {error}", flush=True)
        return None, None
    where = given.data.root or f"the drawn demo {given.data.demo or model.domain}"
    print(f"real pictures: {len(source)} of {where}", flush=True)
    return plugin, source


verb = Verb(
    "train a network that finds the codes of photos at once", run,
    help_function(
        "encoder", ["run=PATH key=value ...", "model=PATH key=value ..."],
        "Train an encoder of a model, which `composegan invert` then uses (docs/guide/inversion.md).",
        TrainEncoder,
        ["Writes encoder.safetensors. If interrupted, repeat the command: the training resumes.",
         "Where data.* below are not given, those of the run apply; data.height and data.width are the model's."],
    ),
)  # fmt: skip
