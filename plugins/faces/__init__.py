"""Human faces: CelebAMask-HQ as downloaded, or drawn avatars. domains/faces.yaml defines the classes and mappings.

Avatar art, as remixed by DiceBear and recoloured here: micah by Micah Lanier (CC BY 4.0) has all 13 classes; avataaars
by Pablo Stanley (free for personal and commercial use) has no earrings.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from composegan.plugin import DomainPlugin, read_domain_file
from composegan.plugins.faces.avatars import AvatarSource
from composegan.plugins.faces.celebamask import CelebAMask

spec = read_domain_file(files("composegan.domain_files") / "faces.yaml")


def open_faces(root: Path, split: str) -> CelebAMask:
    """Open CelebAMask-HQ in `root`. split: "train" or "validation"."""
    return CelebAMask(root, split, spec)


def draw_avatars(count: int, height: int, width: int, seed: int, style: str = "micah") -> AvatarSource:
    """Return a source of `count` avatars in a style (micah or avataaars), each a pure function of (seed, index)."""
    return AvatarSource(spec.foreign[style], spec, count=count, height=height, width=width, seed=seed)


def draw_avataaars(count: int, height: int, width: int, seed: int) -> AvatarSource:
    """Return a source of `count` avatars in the style avataaars, the second demo."""
    return draw_avatars(count, height, width, seed, "avataaars")


plugin = DomainPlugin(spec=spec, dataset=open_faces, demo=draw_avatars, demos={"avataaars": draw_avataaars})

__all__ = ["draw_avataaars", "draw_avatars", "open_faces", "plugin", "spec"]
