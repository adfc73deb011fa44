"""Float32 within mixed precision, for what low precision would move or flatten: positions and statistics."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """A block without autocast on `device`. Tensors keep their types; widen those that may be bfloat16."""
    kind = device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()


def widened(x: Tensor) -> Tensor:
    """x in float32, or unchanged if it is float32 or float64."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def narrowed(x: Tensor) -> Tensor:
    """x in the type that autocast computes products in; unchanged without autocast."""
    kind = x.device.type
    enabled = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return x.to(torch.get_autocast_dtype(kind)) if enabled else x
