"""Rows of numbers that describe images: what metrics compare, computed once and shared by several metrics.

`rows_of`, `summarize` and `compare` call a registered metric; whatever its code raises becomes a UserError that names
it and its distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from composegan.plugin.registry import Found

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


def rows_of(found: Found) -> Rows:
    """The rows a metric compares: shared ones, or those of its own `describe`, which are not cached."""
    if found.plugin.rows:
        return found.plugin.rows

    def open_rows(setting: Setting) -> Describer:
        @torch.inference_mode()
        def describe(images: Tensor, labels: Tensor) -> Tensor:
            with found.use() as metric:
                rows = metric.describe(images, labels, setting.classes)
                if not isinstance(rows, Tensor) or rows.ndim != 2 or len(rows) != len(images):
                    shape = tuple(rows.shape) if isinstance(rows, Tensor) else type(rows).__name__
                    raise TypeError(
                        f"describe returned {shape} for {len(images)} images; one row of numbers each is needed"
                    )
                return rows.float().cpu()

        return Describer(describe)

    return Rows(f"rows of {found.name}", open_rows)


def summarize(found: Found, rows: Tensor) -> Any:
    """What the metric's `compare` receives for a set of rows."""
    with found.use() as metric:
        return metric.summarize(rows) if metric.summarize else rows


def compare(found: Found, real: Any, fake: Any) -> float:
    """The metric's value for two results of `summarize`."""
    with found.use() as metric:
        return float(metric.compare(real, fake))
