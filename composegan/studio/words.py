"""Requests in plain words, for the history and for `undo`."""

from __future__ import annotations

from collections.abc import Sequence

from composegan.session.request import Request

KINDS = {"area": "size", "brightness": "lightness", "saturation": "vividness"}
PARTS = {"shape": "shape", "texture": "colours", "both": "shape and colours"}
METHODS = {
    "copy": "{names}: {part} of picture {picture}", "interpolate": "{names}: some {part} of picture {picture}",
    "resample": "{names}: another {part}", "scale": "{names}: stronger or weaker", "remove": "{names} removed",
    "add": "{names} added",
}  # fmt: skip


def title(name: str) -> str:
    """The name of a class for people: `front_light` -> `Front light`."""
    words = name.replace("_", " ").replace("/", " ").strip()
    return words[:1].upper() + words[1:]


def described(request: Request) -> str:
    """What a request did, in a few words."""
    given = request.given
    names = listed(given.get("classes", ()))
    if request.verb == "paint":
        return "Painted"
    if request.verb == "move":
        return f"{names} resized" if given.get("scale", 1.0) != 1 else f"{names} moved"
    if request.verb == "recolor":
        return f"{names}: new colour"
    if request.verb == "slide":
        name, _, kind = str(given["direction"]).rpartition(".")
        return f"{title(name.partition('.')[0])}: {KINDS.get(kind, kind)}"
    part = PARTS[given.get("part", "both")]
    picture = given.get("other", {}).get("picture", 0)
    return METHODS[given.get("method", "resample")].format(names=names, part=part, picture=picture)


def listed(names: Sequence[str]) -> str:
    """Names as in `Eye, eyebrow and nose`."""
    words = [title(name).lower() for name in names]
    text = ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + (words[-1] if words else "everything")
    return text[:1].upper() + text[1:]
