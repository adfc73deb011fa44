"""A run folder from networks trained elsewhere, so that `composegan fit run=...` continues their training."""

from __future__ import annotations

from dataclasses import fields
from math import inf
from pathlib import Path
from typing import Any

import torch

from composegan.config.compose import Composed, is_path
from composegan.config.schema import Config, DataConfig, ModelConfig, TrainingConfig
from composegan.config.validate import validate
from composegan.errors import UserError
from composegan.interop.reference import Reference
from composegan.losses.regularizers import path_length
from composegan.model import model_files
from composegan.model.saved_model import Model
from composegan.networks.generator import Generator
from composegan.plugin.domain import DomainPlugin
from composegan.runs import checkpoint
from composegan.runs.new_run import describe_run
from composegan.runs.prepare import new_step

LENGTHS = 4
"""Pictures for the mean path length."""


def run_settings(reference: Reference, domain: str, plugin: DomainPlugin, training: TrainingConfig) -> Config:
    """The configuration that builds the networks of `reference`. domain: as given, a name or a file.

    Raises UserError when no configuration of that domain does.
    """
    settings, spec = reference.settings, plugin.spec
    if settings["transparent"] != list(spec.transparent):
        ours, theirs = ([spec.names[k] for k in which] for which in (spec.transparent, settings["transparent"]))
        raise UserError(
            f"its transparent classes are {', '.join(theirs) or 'none'}; in domain {spec.name!r} they are "
            f"{', '.join(ours) or 'none'}; to train on, give domain=FILE.yaml with the checkpoint's"
        )
    widths = {item.name: settings[item.name] for item in fields(ModelConfig) if item.name in settings}
    config = Config(
        domain=str(Path(domain).expanduser().absolute()) if is_path(domain) else domain,
        data=DataConfig(height=settings["height"], width=settings["width"]),
        model=ModelConfig(**widths, discriminator_multiplier=settings["channel_multiplier"]),
        training=training,
    )
    validate(config, spec)
    return config


def import_run(run: Path, reference: Reference, composed: Composed, model: Model, about: dict[str, Any]) -> None:
    """Write the run folder: its configuration, a checkpoint of 0 images seen, and the averaged generator as a model.

    reference: has a discriminator. Without the generator in training the averaged one takes its place; missing moments
    of Adam start at zero. Raises UserError when the folder cannot be written.
    """
    spec = composed.plugin.spec
    step = new_step(composed, torch.device("cpu"))
    moving = reference.moving or reference.generator
    step.generator.load_state_dict(moving.state_dict())
    step.average.load_state_dict(reference.generator.state_dict())
    assert reference.discriminator is not None
    step.discriminator.load_state_dict(reference.discriminator.state_dict())
    if composed.config.training.path_every:
        step.path_mean.fill_(mean_path_length(step.generator))
    content = {**step.state(), "domain": spec.name, "classes": list(spec.names), "best": inf}
    for state, name in zip(content["optimizers"], step.optimizers, strict=True):
        state["state"] = reference.moments.get(name, {})
    describe_run(run, composed)
    checkpoint.save(run / "checkpoints", content)
    model_files.save(run / "model", model, about)


def mean_path_length(generator: Generator) -> float:
    """An estimate of the running mean of path lengths, which the release does not save, from LENGTHS random pictures.
    Starting at 0, the penalty would distort the network for hundreds of steps."""
    draws, found = torch.Generator().manual_seed(0), []
    for _ in range(LENGTHS):
        w = generator.map(torch.randn(1, generator.latent_channels, generator=draws))
        codes = generator.expand(w).detach().requires_grad_()
        image = generator(codes).image
        noise = torch.randn(image.shape, generator=draws)
        found.append(path_length(image, codes, torch.zeros(()), noise).lengths.mean().item())
    return sum(found) / LENGTHS
