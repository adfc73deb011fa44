"""Requests as the command line and as the Python that do the same."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from composegan.config.values import show
from composegan.session.request import Request

Start = Mapping[str, Any]
"""Where a session begins: `{"seed": 0, "picture": 7}`, or `{"codes": FILE}`."""


def commands(model: str, start: Start, requests: Sequence[Request]) -> list[str]:
    """A command line for the picture to begin with, and one for each request, in folders step-0, step-1, ...

    model: the name or folder of the model. Masks are files mask-N.png, directions are in the folder directions.
    """
    if "codes" in start:
        lines = [_line("sample", model=model, codes=start["codes"], out="step-0")]
    else:
        lines = [_line("sample", model=model, seed=start["seed"], pictures=start["picture"], out="step-0")]
    for number, request in enumerate(requests, 1):
        before = f"step-{number - 1}" + ("/after" if number > 1 else "")
        verb, settings = _settings(request, number)
        lines.append(
            _line(verb, model=model, codes=before, **settings, composite=False, force=True, out=f"step-{number}")
        )
    return lines


def python(model: str, start: Start, requests: Sequence[Request]) -> str:
    """A script that ends with the picture as `codes`. Files are named as for `commands`."""
    lines = ["import composegan", "", f"model = composegan.load({model!r})"]
    if any(request.verb == "slide" for request in requests):
        lines.append('directions = composegan.Directions.load("directions", model)')
    if "codes" in start:
        lines.append(f"codes = composegan.Codes.load({start['codes']!r}, model)")
    else:
        lines.append(f"codes = model.codes(pictures=[{start['picture']}], seed={start['seed']})")
    lines += [f"codes = {_call(request, number)}" for number, request in enumerate(requests, 1)]
    return "\n".join([*lines, 'model.draw(codes).save("drawn")', ""])


def _line(verb: str, **settings: Any) -> str:
    return shlex.join(["composegan", verb, *(f"{name}={show(value)}" for name, value in settings.items())])


def _settings(request: Request, number: int) -> tuple[str, dict[str, Any]]:
    """The verb of the command line, and its settings."""
    given = dict(request.given)
    if "classes" in given:
        given["classes"] = ",".join(given["classes"])
    if request.verb == "slide":
        return "edit", {"directions": "directions", "slide": f"{given['direction']}:{given['amount']!r}"}
    if request.verb == "paint":
        return "paint", {**given, "mask": mask_name(number)}
    if request.verb == "recolor" and not isinstance(given["color"], str):
        given["color"] = "#{:02x}{:02x}{:02x}".format(*given["color"])
    if request.verb == "move":
        given = {"method": "move", **given}
        if not given.keys() & {"dx", "dy", "scale"}:
            given["dx"] = 0.0
    if "seed" in given:
        given["other_seed"] = given.pop("seed")
    if "other" in given:
        other = given.pop("other")
        given |= {"other_seed": other["seed"], "other_pictures": other["picture"]}
    return "edit", given


def _call(request: Request, number: int) -> str:
    """The expression for the codes after a request."""
    given = dict(request.given)
    if request.verb == "slide":
        return f"directions[{given['direction']!r}].apply(codes, {given['amount']!r})"
    classes = given.pop("classes", None)
    words = [] if classes is None else [repr(classes[0] if len(classes) == 1 else classes)]
    if request.verb == "paint":
        words = [repr(mask_name(number)), *words]
        given.pop("mask")
    other = given.pop("other", None)
    words += [f"{name}={value!r}" for name, value in given.items()]
    if other is not None:
        words.append(f"other=model.codes(pictures=[{other['picture']}], seed={other['seed']})")
    return f"model.{request.verb}(codes, {', '.join([*words, 'composite=False', 'force=True'])}).after.codes"


def mask_name(number: int) -> str:
    """The file of the mask of request `number`, counted from 1."""
    return f"mask-{number}.png"
