"""When a class counts as present, rare, owned or alive, and a change as visible. Standard library only."""

from __future__ import annotations

PRESENT = 1 / 1024
"""A class is present from this share of the pixels on: 4 of 64 x 64, so that a stray pixel does not count."""

RARE = 0.2
"""A class is rare if it is present in a smaller share of the images."""

OWNED = 0.3
"""A class whose composition weight in its own pixels is lower on average is dead: other classes draw it."""

ALIVE = 1.0
"""A class that changes less inside when its codes are replaced, in grey levels of 255, is dead."""

VISIBLE = 8.0
"""A pixel that changes by more grey levels of 255 changes visibly."""
