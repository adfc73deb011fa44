"""Which pictures an index selects, as in `codes[0]`, `samples[2:5]` and `samples[[0, 3]]`."""

from typing import Any

import numpy as np
from torch import Tensor

from composegan.errors import UserError, shown


def pictures_at(which: Any, count: int) -> int | slice | list[int]:
    """The positions among `count` pictures that an index selects: a number, a slice, or numbers or bools of several.

    Raises IndexError for one that is out of range, and UserError for another kind of index.
    """
    if isinstance(which, slice):
        return which
    if isinstance(which, (int, np.integer)) and not isinstance(which, bool):
        return range(count)[which]
    index = np.asarray(which) if isinstance(which, (list, tuple, range, np.ndarray, Tensor)) else np.zeros((), object)
    index = index.astype(int) if not index.size else index
    if index.dtype.kind not in "biu" or index.ndim != 1:
        raise UserError(f"pictures [{shown(which)}]: must be a number, a slice, or a list of numbers")
    return [int(number) for number in np.arange(count)[index]]
