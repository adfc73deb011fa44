"""When a class counts as present in an image, and when as rare. Standard library only."""

from __future__ import annotations

PRESENT = 1 / 1024
"""A class is present from this share of the pixels on: 4 of 64 x 64, so that a stray pixel does not count."""

RARE = 0.2
"""A class is rare if it is present in a smaller share of the images."""
