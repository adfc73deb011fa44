"""Keep freed memory in the process.

Every step allocates and frees the same tens of megabytes. glibc returns such blocks to the system, which hands them out
again page by page, zeroed: on a virtual machine this made steps up to ten times slower.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_LARGEST = 32 << 20  # bytes; the most glibc accepts for a block on the heap


def keep_freed_memory() -> bool:
    """Make glibc reuse freed blocks of up to 32 MB. Returns whether it did; does nothing with another C library."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library, such as musl
        return False
    settings = ((_M_MMAP_THRESHOLD, _LARGEST), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20))
    return all([mallopt(name, value) == 1 for name, value in settings])
