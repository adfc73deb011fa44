"""When a class counts as being in a picture, said once for everybody. Standard library only."""

from __future__ import annotations

PRESENT = 1 / 1024
"""A class is in a picture from this part of its pixels on: 4 of 64 x 64, so that a stray pixel does not count."""

RARE = 0.2
"""A class is rare that is in a smaller part of the pictures."""
