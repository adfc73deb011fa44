"""What the browser sends: bodies of limited size, and nothing that names a file of this machine."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request

from composegan.errors import UserError
from composegan.model.saved_model import Model
from composegan.session.label_png import labels_of_png, text_of
from composegan.session.session import Session

JSON, FILE = 2**23, 2**26
"""Bytes of the largest request and of the largest file."""


class TooLargeError(UserError):
    """A body of more bytes than are read."""


async def body_of(request: Request, most: int) -> bytes:
    """The body. Raises TooLargeError as soon as it is longer than `most` bytes, whatever its headers say."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLargeError(f"This is larger than {most // 2**20} MB.")
        parts.append(part)
    return b"".join(parts)


async def json_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises UserError for anything else."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise UserError("a JSON object is needed")
    try:
        content = json.loads(await body_of(request, JSON) or b"{}")
    except (ValueError, RecursionError) as error:
        raise UserError("the request is not JSON") from error
    if not isinstance(content, dict):
        raise UserError("a JSON object is needed")
    return content


def whole(content: Mapping[str, Any], name: str, default: int = 0) -> int:
    """A whole number of a request. Raises UserError for anything else."""
    value = content.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**53:
        raise UserError(f"{name}: must be a whole number")
    return value


def with_mask(content: Any, model: Model) -> Any:
    """A request of the page, whose mask may be the plain labels in base64, as a request of a session."""
    paint = content.get("paint") if isinstance(content, Mapping) else None
    if not isinstance(paint, Mapping) or "labels" not in paint:
        return content
    height, width = model.generator.height, model.generator.width
    try:
        labels = np.frombuffer(base64.b64decode(paint["labels"], validate=True), np.uint8).reshape(height, width)
    except (TypeError, ValueError) as error:
        raise UserError(f"labels: must be {width}x{height} class numbers in base64") from error
    rest = {name: value for name, value in paint.items() if name != "labels"}
    return {"paint": {**rest, "mask": text_of(labels)}}


def painting_of(content: bytes, model: Model) -> dict[str, Any]:
    """A painted label map, a PNG, as a request. Raises UserError for anything else."""
    labels = labels_of_png(content, model.spec, model.generator.height, model.generator.width, "label map")
    return {"paint": {"mask": text_of(labels)}}


def session_of(content: bytes, model: Model) -> Session:
    """The session in a document. Raises UserError for anything else, and for one of another model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "document.composegan")
        path.write_bytes(content)
        try:
            return Session.open(path, model)
        except UserError as error:
            raise UserError(str(error).replace(f"{path}: ", "This file ")) from error
