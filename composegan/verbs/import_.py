"""`composegan import`: the public SemanticStyleGAN release's weights as a saved model, or as a run to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from composegan.config.schema import Config, TrainingConfig
from composegan.errors import UserError
from composegan.io.guarded import reading
from composegan.io.output import is_occupied
from composegan.io.pickles import NAMESPACE, check_saved
from composegan.plugin.contracts import Verb
from composegan.verbs.base import Command, help_function, read_settings

if TYPE_CHECKING:
    from composegan.interop.reference import Reference
    from composegan.model.saved_model import Model
    from composegan.plugin.domain import DomainPlugin

FACES = 13
"""Classes of the release's own models, which are those of our domain `faces`."""


@dataclass
class Import(Command):
    file: str = ""  # the release's checkpoint; may be given without `file=`
    out: str | None = None  # folder to write the averaged generator to, as a saved model
    run: str | None = None  # folder to write a run to that `fit` resumes: both networks, Adam's moments if there
    domain: str = ""  # whose classes they are: a registered domain or a path to a domain YAML; empty: faces, if 13
    plugin_path: str | None = None  # folder of a plugin that is not installed, such as a checkout; empty: none
    training: TrainingConfig = field(default_factory=TrainingConfig)


def run(arguments: Sequence[str]) -> None:
    """Write a checkpoint's generator as a saved model, or all of it as a run; prints where, and what was left out."""
    from composegan.config.compose import Composed, open_domain

    given = named(arguments)
    config = read_settings(Import, given, "import")
    path = Path(config.file).expanduser()
    _check(config, given)
    if config.domain:
        open_domain(config.domain, config.plugin_path)  # before the file is read
    with reading(path, "a checkpoint of the release"):
        check_saved(path, NAMESPACE)  # before the seconds that torch takes to load
    from composegan.interop.release_file import read_reference

    reference = read_reference(path)
    domain, plugin = _domain_of(path, reference, config)
    size = "{height}x{width}".format(**reference.settings)
    classes = f"{len(plugin.spec.classes)} classes of domain {plugin.spec.name!r}"
    print(f"{path}: {size}, {classes}", *reference.notes, sep="\n", flush=True)
    settings = _run_settings(path, reference, domain, plugin, config) if config.run else None
    model, about = _model(reference, plugin), {"imported_from": path.name}
    if config.out:
        out = model.save(Path(config.out).expanduser(), about)
        print(f"wrote {out}; next: composegan sample model={out}", flush=True)
    if config.run and settings:
        from composegan.runs.import_run import import_run

        folder = Path(config.run).expanduser()
        import_run(folder, reference, Composed(settings, plugin, list(arguments), []), model, about)
        moments = f"with Adam's moments of {' and '.join(reference.moments) or 'neither network'}"
        print(f"wrote {folder}, {moments}; next: composegan fit run={folder} data.root=PATH")


def named(arguments: Sequence[str]) -> list[str]:
    """The arguments with the file's path, which may stand alone or after `from=`, as `file=PATH`."""
    return [
        f"file={argument.removeprefix('from=')}" if "=" not in argument or argument.startswith("from=") else argument
        for argument in arguments
    ]


def _check(config: Import, given: Sequence[str]) -> None:
    files = [argument for argument in given if argument.startswith("file=")]
    if not config.file or len(files) > 1:
        found = f"; found {len(files)} files" if files else ""
        raise UserError(f"name one file, as in composegan import FILE.pt out=PATH{found}")
    if not config.out and not config.run:
        raise UserError("write out=PATH for a model to use, or run=PATH for a run to train on")
    if not config.run and any(argument.startswith("training.") for argument in given):
        raise UserError("training.* is for a run to train on; write run=PATH")
    if config.out and is_occupied(Path(config.out).expanduser()):
        raise UserError(f"out={config.out}: exists; give another folder")
    if config.run and Path(config.run).expanduser().exists():
        raise UserError(f"run={config.run}: exists; give another folder")


def _domain_of(path: Path, reference: Reference, config: Import) -> tuple[str, DomainPlugin]:
    """The domain's name or file, and the domain. Raises UserError for another number of classes."""
    from composegan.config.compose import open_domain

    classes = reference.settings["classes"]
    domain = config.domain or ("faces" if classes == FACES else "")
    if not domain:
        raise UserError(f"{path}: has {classes} classes; say which, with domain=NAME or domain=FILE.yaml")
    plugin = open_domain(domain, config.plugin_path)
    if len(plugin.spec.classes) != classes:
        raise UserError(f"{path}: has {classes} classes, domain {plugin.spec.name!r} has {len(plugin.spec.classes)}")
    return domain, plugin


def _model(reference: Reference, plugin: DomainPlugin) -> Model:
    from composegan.model.saved_model import Model, mean_code

    generator, spec = reference.generator.eval(), plugin.spec
    categories = tuple(item.category for item in spec.classes)
    mean = mean_code(generator)
    return Model(generator, reference.settings, spec.name, spec.names, spec.colors, mean, categories=categories)


def _run_settings(path: Path, reference: Reference, domain: str, plugin: DomainPlugin, config: Import) -> Config:
    """The run's configuration. Raises UserError if the checkpoint cannot be trained on."""
    from composegan.runs.import_run import run_settings

    if reference.discriminator is None:
        raise UserError(f"{path}: has no 'd', a discriminator, so it cannot be trained on; out=PATH works")
    try:
        settings = run_settings(reference, domain, plugin, config.training)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    settings.plugin_path = config.plugin_path and str(Path(config.plugin_path).expanduser().absolute())
    return settings


verb = Verb(
    "import weights of the public SemanticStyleGAN release", run,
    help_function(
        "import", ["FILE.pt out=PATH", "FILE.pt run=PATH training.batch=N ..."],
        "Write a checkpoint of the public SemanticStyleGAN release (g_ema, g, d, args) as a model or a run.", Import,
        ["Nothing in the file is executed: only tensors, plain values and one argparse.Namespace are read.",
         "training.* are the run's settings; with run= only."],
    ),
)  # fmt: skip
