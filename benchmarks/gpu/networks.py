"""The networks that the stages measure: those of `composegan fit` on faces, of any family, at the paper's widths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch

from benchmarks.networks import TINY_RUN
from composegan.config.compose import compose
from composegan.config.schema import Config
from composegan.grouping.propose import settled_plan
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.training.build import build
from composegan.training.compiled import compiled

PAPER = "recipe=paper256"


def configuration(size: int, tiny: bool, settings: Sequence[str]) -> tuple[Config, Generator, Discriminator]:
    """The settings at `size` pixels and both networks on the CPU. settings: of `composegan fit`; tiny: few channels."""
    widths = [text for text in TINY_RUN.split() if text.startswith("model.")] if tiny else []
    size_of = [f"data.height={size}", f"data.width={size}"]
    given = {text.partition("=")[0]: text for text in (PAPER, *widths, *size_of, *settings)}
    composed = compose(["domain=faces", *given.values()])
    config, spec = composed.config, composed.plugin.spec
    return config, *build(config, spec, settled_plan(config, spec))


WAYS = ("", "compiled", "graphs")
"""How networks run: as they are, under torch.compile, and with CUDA graphs as well."""
COMPILING = 180.0
"""Seconds allowed for compiling."""

Network = TypeVar("Network", Generator, Discriminator)


def prepared(network: Network, way: str, tiny: bool) -> Network:
    """The network in one of `WAYS`, compiled anew; tiny: prepared, but not compiled, which takes minutes."""
    if not way:
        return network
    torch.compiler.reset()
    return compiled(network, dynamic=False, mode="reduce-overhead" if way == "graphs" else None, disable=tiny)


def generator_of(size: int, device: torch.device, tiny: bool, settings: Sequence[str]) -> Generator:
    """The generator alone, on its device, without gradients."""
    _, generator, _ = configuration(size, tiny, settings)
    return generator.to(device).eval().requires_grad_(False)


def has_local_generators(tiny: bool, settings: Sequence[str]) -> bool:
    """Whether the family has local generators, which can be recomputed."""
    with torch.device("meta"):
        _, generator, _ = configuration(32 if tiny else 256, tiny, settings)
    return any(True for _ in generator.local.parameters())
