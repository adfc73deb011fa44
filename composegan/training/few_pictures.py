"""Settings that depend on how many pictures there are, chosen where the user leaves them open."""

from __future__ import annotations

from dataclasses import replace

from composegan.config.schema import Config
from composegan.data.findings import FEW
from composegan.data.warnings import unmirrored_sides
from composegan.plugin.domain import DomainSpec
from composegan.training.adaptive import ADAPTIVE

MEASURED: tuple[str, ...] = ()
"""The objectives with which augmentation and mirroring of few pictures pay by measurement (docs/experiments.md)."""


def settle_few_pictures(config: Config, spec: DomainSpec, pictures: int) -> tuple[Config, list[str]]:
    """The configuration with `training.augment=auto` and an empty `data.flip` decided, and a line if one is now on.

    With fewer than FEW pictures of one's own and an objective of MEASURED, augmentation becomes adaptive, and pictures
    are mirrored unless the domain has sides without `mirror`. Otherwise both are off, as they always were. A function
    of the settings and the number of pictures alone, so that every rank decides alike.
    """
    data, training = config.data, config.training
    few = bool(data.root) and pictures < FEW and training.loss in MEASURED and not config.adapt.source
    auto, open_flip = training.augment == "auto", data.flip is None
    augment = (ADAPTIVE if few else 0.0) if auto else training.augment
    flip = (few and not unmirrored_sides(spec)) if data.flip is None else data.flip
    config = replace(config, data=replace(data, flip=flip), training=replace(training, augment=augment))
    chosen = [f"training.augment={augment}"] * (auto and few) + ["data.flip=on"] * (open_flip and flip)
    if not chosen:
        return config, []
    off = " ".join(each.partition("=")[0] + ("=off" if each.startswith("data") else "=0") for each in chosen)
    why = f"chosen for {pictures:,} pictures, which the discriminator would soon know all of"
    return config, [f"{' '.join(chosen)}: {why}; to train without: {off}"]
