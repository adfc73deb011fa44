"""Documents: a session in one file, a zip archive of document.json and, if needed, codes and directions."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from composegan.editing.directions.store import FACTS, VECTORS, Directions
from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.guarded import JSON, UnreadableError, check_archive, check_file, reading
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.session.request import Request, picture_of

FORMAT = 1
CONTENT, CODES, DIRECTIONS = "document.json", "codes.npz", "directions"
MOST = 2_000
"""Requests in a document."""
LARGEST = 2**28
"""Bytes that a document may unpack to."""


@dataclass(frozen=True)
class Document:
    """What is in a file. start: `{"seed": 0, "picture": 7}`, or empty for `codes`; position: how many of the requests
    are applied, the others were undone; locked: classes; directions: those that requests use."""

    start: Mapping[str, Any]
    requests: tuple[Request, ...]
    position: int
    locked: tuple[str, ...]
    codes: Codes | None
    directions: Directions


def write_document(path: Path, document: Document, model: Model) -> Path:
    """Write the file. Raises UserError if that fails."""
    content = {
        "format": FORMAT, "model": {"weights": model.weights, "space": model.space, "domain": model.domain},
        "start": dict(document.start), "position": document.position, "locked": list(document.locked),
        "requests": [request.content for request in document.requests],
    }  # fmt: skip
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive, tempfile.TemporaryDirectory() as name:
        archive.writestr(CONTENT, json.dumps(content, indent=1) + "\n")
        if document.codes is not None:
            homeless(document.codes).write(Path(name, CODES))
        if len(document.directions):
            document.directions.save(Path(name, DIRECTIONS))
        for file in sorted(Path(name).rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(name).as_posix())
    with atomic_file(path) as temporary:
        temporary.write_bytes(buffer.getvalue())
    return path


def read_document(path: Path, model: Model) -> Document:
    """Read what `write_document` wrote. Raises UserError for a file that is missing, damaged, no document, or of
    another model."""
    with reading(path, "a document of composegan"), tempfile.TemporaryDirectory() as name:
        folder = _unpacked(path, Path(name))
        content = json.loads((folder / CONTENT).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}, not {FORMAT}")
        if (weights := content["model"]["weights"]) != model.weights:
            raise UserError(
                f"{path}: was made with another model (weights {weights}, not {model.weights}); open it with that model"
            )
        requests = tuple(Request.of(item) for item in content["requests"])
        if len(requests) > MOST or not 0 <= content["position"] <= len(requests):
            raise ValueError(f"{len(requests)} requests, position {content['position']}")
        locked = tuple(model.classes[model.index(item)] for item in content["locked"])
        codes = homeless(Codes.load(folder / CODES, model)) if (folder / CODES).exists() else None
        if codes is not None and len(codes) != 1:
            raise ValueError(f"codes of {len(codes)} pictures, not of one")
        directions = Directions.load(folder / DIRECTIONS, model) if (folder / DIRECTIONS).exists() else None
        start = {} if codes is not None else picture_of(content["start"], "start")
        return Document(start, requests, content["position"], locked, codes, directions or Directions.of(model))


def homeless(codes: Codes) -> Codes:
    """The codes without the files of the weights tuned to them, which are then written beside the codes."""
    return replace(codes, tuned=tuple(delta and replace(delta, path=None) for delta in codes.tuned))


def _unpacked(path: Path, folder: Path) -> Path:
    """The known files of an archive, in `folder`. Raises UnreadableError for one that is too large."""
    check_file(path, LARGEST)
    check_archive(path)
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            name = Path(part.filename)
            tuned = len(name.parts) == 1 and name.match("codes-*.delta.safetensors")
            known = part.filename in (CONTENT, CODES, f"{DIRECTIONS}/{VECTORS}", f"{DIRECTIONS}/{FACTS}")
            if not known and not tuned:
                raise UnreadableError(f"it holds {part.filename[:60]!r}, which is no part of a document")
            if part.file_size > (JSON if name.suffix == ".json" else LARGEST):
                raise UnreadableError(f"{part.filename} is too large")
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(archive.read(part))
    return folder
