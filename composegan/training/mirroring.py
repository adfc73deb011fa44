"""Whether pictures are mirrored, where the user leaves it open."""

from __future__ import annotations

from dataclasses import replace

from composegan.config.schema import Config
from composegan.data.findings import FEW
from composegan.data.warnings import unmirrored_sides
from composegan.plugin.domain import DomainSpec


def settle_flip(config: Config, spec: DomainSpec, pictures: int) -> tuple[Config, list[str]]:
    """The configuration with an empty `data.flip` decided, and a line if it is on.

    On with fewer than FEW pictures of one's own, unless the domain has sides without `mirror`: with their mirror
    images, few pictures are nearer to others of their kind (docs/experiments.md). Off in demos and adaptations, and
    with `training.loss=paper`, whose runs stay as they were. A function of the settings and the number of pictures
    alone, so that every rank decides alike.
    """
    data = config.data
    if data.flip is not None:
        return config, []
    few = bool(data.root) and pictures < FEW and config.training.loss != "paper" and not config.adapt.source
    flip = few and not unmirrored_sides(spec)
    line = f"data.flip=on: chosen for {pictures:,} pictures, which are few; if they must not be mirrored: data.flip=off"
    return replace(config, data=replace(data, flip=flip)), [line] * flip
