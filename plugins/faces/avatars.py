"""The demo: avatars drawn on the spot, with exact labels. Which of their parts is which class is in domains/faces.yaml.

Art: micah by Micah Lanier (CC BY 4.0), which has all 13 classes; avataaars by Pablo Stanley (free for personal and
commercial use), which has no earrings. Both as remixed by DiceBear, in our own colours.
"""

from __future__ import annotations

from importlib.resources import files

from composegan.plugin.domain_file import read_domain_file
from composegan.plugins.faces.avatar_source import AvatarSource

spec = read_domain_file(files("composegan.domains") / "faces.yaml")


def draw_avatars(count: int, height: int, width: int, seed: int, style: str = "micah") -> AvatarSource:
    """`count` faces of a style (micah or avataaars), each a pure function of (seed, index)."""
    return AvatarSource(spec.foreign[style], spec, count=count, height=height, width=width, seed=seed)


def draw_avataaars(count: int, height: int, width: int, seed: int) -> AvatarSource:
    """The second demo: the same in the style avataaars."""
    return draw_avatars(count, height, width, seed, "avataaars")
