"""Human faces: CelebAMask-HQ as downloaded, or avatars drawn on the spot. Classes and mappings: domains/faces.yaml."""

from __future__ import annotations

from pathlib import Path

from composegan.plugin import DomainPlugin
from composegan.plugins.faces.avatars import draw_avataaars, draw_avatars, spec
from composegan.plugins.faces.celebamask import CelebAMask


def open_faces(root: Path, split: str) -> CelebAMask:
    """CelebAMask-HQ in `root`; split is "train" or "validation"."""
    return CelebAMask(root, split, spec)


plugin = DomainPlugin(spec=spec, dataset=open_faces, demo=draw_avatars, demos={"avataaars": draw_avataaars})

__all__ = ["draw_avataaars", "draw_avatars", "open_faces", "plugin", "spec"]
