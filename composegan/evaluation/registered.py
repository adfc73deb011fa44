"""Calls to a registered metric; whatever its code raises becomes a UserError that names it and its distribution."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from composegan.metrics.rows import Describer, Rows, Setting
from composegan.plugin.registry import Found


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
