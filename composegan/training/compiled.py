"""Networks whose methods are compiled by torch.compile, for phases without second derivatives."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)

VARIANTS = 64
"""Compiled forms of a method to keep. A step needs up to ten, by what requires gradients, kind of mask, precision and
batch. Beyond torch's own limit, 8, the method would run uncompiled."""
VARYING = (
    r"L\['routing'\]\.(pair|of_class|group|bucket|place|seat|seat_pair|slot)$",
    r"L\['routing'\]\.(buckets|seats)\[1\]$",
    r"L\['routing'\]\.slot_group:1",  # this dimension only
)
"""Sizes of an argument `routing` that differ from step to step, as torch.compile names them. Otherwise the method would
be compiled again when one of them changes for the first time."""


def compiled(network: Network, **options: Any) -> Network:
    """A view of `network`: the same parameters, buffers and modules, with the methods in `COMPILED` compiled.

    A network without `COMPILED` has its `forward` compiled. Compilation happens at the first call. options: those of
    `torch.compile`.
    """
    from torch._inductor import config as inductor

    # Our maps are channels-last already, and torch 2.14 fails to order the strides of other maps whose size varies.
    inductor.layout_optimization = False
    torch._dynamo.config.recompile_limit = max(VARIANTS, torch._dynamo.config.recompile_limit)
    others = [source for source in torch.compiler.config.dynamic_sources.split(",") if source not in ("", *VARYING)]
    torch.compiler.config.dynamic_sources = ",".join((*others, *VARYING))
    view = copy.copy(network)
    for name in getattr(network, "COMPILED", ("forward",)):
        setattr(view, name, torch.compile(getattr(network, name), **options))
    return view
