"""Landscapes: hills under a sky. Classes: landscape.yaml; the demo: drawing.py. Other data: the plain layout."""

from __future__ import annotations

from importlib.resources import files

from composegan.plugin import DomainPlugin, read_domain_file
from composegan_landscape.drawing import Landscapes

spec = read_domain_file(files("composegan_landscape") / "landscape.yaml")


def draw_landscapes(count: int, height: int, width: int, seed: int) -> Landscapes:
    return Landscapes(spec, count, height, width, seed)


plugin = DomainPlugin(spec=spec, demo=draw_landscapes)
