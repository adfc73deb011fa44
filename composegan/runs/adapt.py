"""`composegan adapt`: the settings and first weights of a run that trains a model further on images without masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from composegan.config.arguments import split_arguments
from composegan.config.compose import (
    Composed,
    announce_plugin_path,
    finish,
    load_config,
    open_domain,
    recipe_settings,
)  # fmt: skip
from composegan.config.merge import merge
from composegan.config.run_folder import CONFIG
from composegan.config.schema import OF_IMAGES, AdaptConfig, Config, DataConfig, ModelConfig, OutputConfig
from composegan.errors import UserError
from composegan.grouping.propose import settled_plan, splitting_of
from composegan.model import saved_model
from composegan.model.saved_model import Model
from composegan.plugin import registry
from composegan.plugin.contracts import FAMILY
from composegan.plugin.domain import DomainPlugin, DomainSpec
from composegan.plugin.recipes import recipes_of
from composegan.runs import checkpoint
from composegan.training.build import generator_settings
from composegan.training.step import TrainingStep

STEPS = 2_000
"""Steps of an adaptation unless training.images is given; as in the paper."""

SHORT = ("freeze", "keep")
"""Settings of the section `adapt` that are written without its name."""

EVERY = {"log_every": 100, "samples_every": 10, "checkpoint_every": 10, "score_every": 10}
"""How often something is written in a run, unless its setting in `output` is given."""


def compose_adaptation(folder: Path, arguments: Sequence[str]) -> Composed:
    """The configuration of a run that adapts the model in `folder`, a run or a saved model.

    Other settings are those of the run that made the model or, for a saved model, of the recipe it names.
    Raises UserError when there is no model, its classes are not the domain's, or no images are named.
    """
    given = dict(split_arguments(arguments))
    model: Model = saved_model.load(folder)
    trained = load_config(folder / CONFIG) if (folder / CONFIG).is_file() else None
    domain = given.get("domain") or (trained.domain if trained else model.domain)
    plugin_path = given.get("plugin_path") or (trained.plugin_path if trained else None)
    if trained:
        announce_plugin_path(folder, trained, arguments)
    plugin = open_domain(domain, plugin_path)
    _check_domain(folder, model, plugin.spec)
    trained = trained or _config_of(model, plugin)
    kept = {name: getattr(trained.data, name) for name in ("height", "width", "workers", "flip", "cache")}
    base = Config(
        domain=domain,
        plugin_path=plugin_path,
        recipe=trained.recipe,
        seed=trained.seed,
        grouping=_grouping_of(model),
        data=DataConfig(**kept),
        model=trained.model,
        training=trained.training,
        adapt=AdaptConfig(source=str(folder)),
        output=OutputConfig(metrics=OF_IMAGES),
    )
    pairs = [(f"adapt.{key}" if key in SHORT else key, value) for key, value in given.items() if key != "domain"]
    config = merge(Config, [("", pairs)], see="composegan adapt --help", base=base)
    if "training.images" not in given:
        config.training.images = STEPS * config.training.batch
    for name, times in EVERY.items():
        if f"output.{name}" not in given:
            setattr(config.output, name, max(1, config.training.images // times))
    composed = finish(config, plugin, arguments)
    if splitting_of(config):
        raise UserError(f"grouping={config.grouping}: an adaptation keeps the groups of its source")
    if not config.data.root and not config.data.demo:
        demos = "".join(f" or data.demo={name}" for name in plugin.demos)
        raise UserError(f"adapt to which images? write data.root=FOLDER{demos}")
    _check_settings(folder, config, plugin.spec, model)
    return composed


def start_from_model(step: TrainingStep, source: Path) -> str:
    """Load into `step` the model in `source`: its averaged generator and, from a run, its discriminator.

    Returns a line that says so. Raises UserError when there is no model, or it has another architecture.
    """
    model: Model = saved_model.load(source)
    discriminator = _discriminator_in(source)
    step.class_sets = model.class_sets
    with checkpoint.restoring(source):
        step.start_from(model.generator.state_dict(), discriminator)
    frozen = " and ".join({"mapping": "mapping", "local": "local generators"}[part] for part in step.frozen)
    begins = "starts from the run's" if discriminator else "starts untrained"
    return f"adapting {source}: the discriminator {begins}; frozen: {frozen}"


def _discriminator_in(source: Path) -> dict[str, Tensor] | None:
    """The discriminator's weights in a run's newest checkpoint; None for a saved model, which has no checkpoints."""
    newest = checkpoint.read_newest(source / "checkpoints")
    if newest is None:
        return None
    weights, prefix = newest[0]["networks"], "discriminator."
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}


def _config_of(model: Model, plugin: DomainPlugin) -> Config:
    """Settings for a saved model: its generator's, and those of the recipe that it names.

    Without a recipe the discriminator is as wide as the generator.
    """
    recipe = recipes_of(plugin.spec).get(str(model.about.get("recipe", "")))
    config = merge(Config, [("", recipe_settings(recipe).items())] if recipe else [], see="composegan adapt --help")
    own = {item.name: model.settings[item.name] for item in fields(ModelConfig) if item.name in model.settings}
    own |= {"family": model.family, "extensions": {**config.model.extensions, **_family_settings(model)}}
    if recipe is None:
        own |= {"discriminator_multiplier": model.settings["channel_multiplier"]}
        own |= {"discriminator_max_channels": model.settings["max_channels"]}
    config.recipe, config.model = recipe.name if recipe else "", replace(config.model, **own)
    config.data.height, config.data.width = model.settings["height"], model.settings["width"]
    config.grouping = _grouping_of(model)
    return config


def _family_settings(model: Model) -> dict[str, Any]:
    """The settings of the model's family that its generator has by the same names."""
    settings = registry.require(model.family, FAMILY).plugin.settings
    names = [item.name for item in fields(settings)] if settings else []
    return {f"family.{model.family}.{name}": model.settings[name] for name in names if name in model.settings}


def _grouping_of(model: Model) -> str | list[list[str]]:
    group_of = model.settings.get("group_of") or list(range(len(model.classes)))
    if group_of == list(range(len(model.classes))):
        return "per_class"
    return [[n for n, own in zip(model.classes, group_of, strict=True) if own == g] for g in range(max(group_of) + 1)]


def _check_domain(folder: Path, model: Model, spec: DomainSpec) -> None:
    if model.classes != spec.names:
        raise UserError(
            f"{folder}: the model's classes ({', '.join(model.classes[:4])}, ...) are not those of domain "
            f"{spec.name!r}; give its domain=NAME or domain=FILE.yaml"
        )


def _check_settings(folder: Path, config: Config, spec: DomainSpec, model: Model) -> None:
    """Check that the generator to be built is the model's, with an error that names the setting."""
    built = generator_settings(config, spec, settled_plan(config, spec))
    for key, value in built.items():
        if (own := model.settings.get(key, value)) != value:
            raise UserError(f"{folder}: the model has {key}={own}, which cannot be changed to {value}")
