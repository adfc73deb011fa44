"""Rows of numbers that describe images: what metrics compare, computed once and shared by several metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from composegan.evaluation.real import RealSet


@dataclass(frozen=True)
class Setting:
    """The images to describe. classes: K; height, width: pixels; device: where networks run; inception: file of
    Inception's weights, None for torch hub's copy; real: the real set, None while a model trains."""

    classes: int
    height: int
    width: int
    device: torch.device
    inception: str | None = None
    real: RealSet | None = None


@dataclass(frozen=True)
class Describer:
    """Rows that are ready to be computed.

    describe: (images uint8 (B, 3, H, W), labels uint8 (B, H, W)) -> (B, ...) on the CPU, a row per image.
    key: name of the real set's rows in the cache, which changes whenever the rows do; "" for rows that are not cached.
    resize: what happens to images first, in words. limit: describe at most so many images, and twice as many real ones.
    real: whether the real set is described as well. logits: rows -> (B, classes), for rows with a classifier.
    network: what else metrics need of it.
    """

    describe: Callable[[Tensor, Tensor], Tensor]
    key: str = ""
    resize: str = "none"
    limit: int | None = None
    real: bool = True
    logits: Callable[[Tensor], Tensor] | None = None
    network: object = None


@dataclass(frozen=True)
class Rows:
    """A kind of rows, which metrics name.

    open: loads what is needed; raises UserError for what is missing. exact: while a model trains, take images as they
    are generated, float32 in about -1..1, instead of rounded to uint8.
    """

    name: str
    open: Callable[[Setting], Describer]
    exact: bool = False
