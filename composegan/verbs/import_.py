"""`composegan import`: the public SemanticStyleGAN release's weights as a saved model, or as a run to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from composegan.config.schema import Config, TrainingConfig
from composegan.errors import UserError
from composegan.verbs.help_text import help_text

if TYPE_CHECKING:
    from composegan.interop.reference import Reference
    from composegan.model.saved_model import Model
    from composegan.plugin.domain import DomainPlugin

ABOUT = "take in weights of the public SemanticStyleGAN release"

FACES = 13
"""Classes of the release's own models, which are our domain `faces`."""


@dataclass
class ImportConfig:
    file: str = ""  # the release's checkpoint; may be given without `file=`
    out: str | None = None  # folder to write the averaged generator to, as a saved model
    run: str | None = None  # folder to write a run to that `fit` continues: both networks, Adam's moments if there
    domain: str = ""  # whose classes they are: a registered domain or a path to a domain YAML; empty: faces, if 13
    plugin_path: str | None = None  # folder of a plugin that is not installed, such as a checkout; empty: none
    training: TrainingConfig = field(default_factory=TrainingConfig)


def help() -> str:
    usage = ["composegan import FILE.pt out=PATH", "composegan import FILE.pt run=PATH training.batch=N ..."]
    about = "Write a checkpoint of the public SemanticStyleGAN release (g_ema, g, d, args) as a model or a run."
    more = [
        "Nothing in the file is run: only tensors, plain values and one argparse.Namespace are read.",
        "training.* are the run's settings; with run= only.",
    ]
    return help_text(usage, about, ImportConfig, more)


def run(arguments: Sequence[str]) -> None:
    """Write a checkpoint's generator as a saved model, or all of it as a run; says where, and what was left out."""
    from composegan.config.compose import Composed, open_domain, read_arguments

    given = named(arguments)
    config = read_arguments(ImportConfig, given, see="composegan import --help")
    path = Path(config.file).expanduser()
    _check(config, given)
    if config.domain:
        open_domain(config.domain, config.plugin_path)  # before the file is read, so that a mistake is told at once
    from composegan.interop.release_file import read_reference

    reference = read_reference(path)
    classes = reference.settings["classes"]
    domain = config.domain or ("faces" if classes == FACES else "")
    if not domain:
        raise UserError(f"{path}: has {classes} classes; which are they? write domain=NAME or domain=FILE.yaml")
    plugin = open_domain(domain, config.plugin_path)
    if len(plugin.spec.classes) != classes:
        raise UserError(f"{path}: has {classes} classes, domain {plugin.spec.name!r} has {len(plugin.spec.classes)}")
    size = "{height}x{width}".format(**reference.settings)
    print(f"{path}: {size}, {classes} classes of domain {plugin.spec.name!r}", *reference.notes, sep="\n", flush=True)
    settings = _run_settings(path, reference, domain, plugin, config) if config.run else None
    model, about = _model(reference, plugin), {"imported_from": path.name}
    if config.out:
        from composegan.model.saved_model import save

        out = save(Path(config.out).expanduser(), model, about)
        print(f"wrote {out}; next: composegan sample model={out}", flush=True)
    if settings:
        from composegan.runs.import_run import import_run

        folder = Path(config.run).expanduser()
        import_run(folder, reference, Composed(settings, plugin, list(arguments), []), model, about)
        moments = f"with Adam's moments of {' and '.join(reference.moments) or 'neither network'}"
        print(f"wrote {folder}, {moments}; next: composegan fit run={folder} data.root=PATH")


def named(arguments: Sequence[str]) -> list[str]:
    """The arguments with the file's path, which may stand alone (or after `from=`), as `file=PATH`."""
    return [
        f"file={argument.removeprefix('from=')}" if "=" not in argument or argument.startswith("from=") else argument
        for argument in arguments
    ]


def _check(config: ImportConfig, given: Sequence[str]) -> None:
    files = [argument for argument in given if argument.startswith("file=")]
    if not config.file or len(files) > 1:
        found = f"; found {len(files)}" if files else ""
        raise UserError(f"which file? write composegan import FILE.pt out=PATH{found}")
    if not config.out and not config.run:
        raise UserError("where to? write out=PATH for a model to use, or run=PATH for a run to train on")
    if not config.run and any(argument.startswith("training.") for argument in given):
        raise UserError("training.* is for a run to train on; write run=PATH")
    if config.run and Path(config.run).expanduser().exists():
        raise UserError(f"run={config.run}: is there already; give a folder that is not")


def _model(reference: Reference, plugin: DomainPlugin) -> Model:
    from composegan.model.saved_model import Model, mean_code

    generator, spec = reference.generator.eval(), plugin.spec
    return Model(generator, reference.settings, spec.name, spec.names, spec.colors, mean_code(generator))


def _run_settings(path: Path, reference: Reference, domain: str, plugin: DomainPlugin, config: ImportConfig) -> Config:
    """The run's configuration. Raises UserError where the checkpoint cannot be trained on."""
    from composegan.runs.import_run import run_settings

    if reference.discriminator is None:
        raise UserError(f"{path}: has no 'd', a discriminator, so it cannot be trained on; out=PATH works")
    try:
        settings = run_settings(reference, domain, plugin, config.training)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    settings.plugin_path = config.plugin_path and str(Path(config.plugin_path).expanduser().absolute())
    return settings
