"""The pictures that are being edited: a session each, saved after every change, and at most so many in memory."""

from __future__ import annotations

import logging
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from composegan.errors import UserError
from composegan.model.saved_model import Model
from composegan.session.session import Session

log = logging.getLogger(__name__)
IN_MEMORY, ON_DISK = 16, 300
"""Most sessions in memory, and documents in the folder; the oldest leave first."""
KEY = re.compile(r"[A-Za-z0-9_-]{22}")


class GoneError(UserError):
    """There is no such picture any more."""


@dataclass
class Place:
    """A session on the desk. key: its secret name; newest: number of the newest preview that was asked for."""

    key: str
    session: Session
    newest: int = 0


class Desk:
    """Sessions by key. folder: of the documents. Only the worker's thread uses it, except for `newest` of places."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.model, self.folder = model, folder
        self._places: OrderedDict[str, Place] = OrderedDict()

    def add(self, session: Session) -> Place:
        """Put a session on the desk, under a new key."""
        place = Place(secrets.token_urlsafe(16), session)
        self._keep(place)
        self.save(place)
        return place

    def at(self, key: str) -> Place:
        """The session of a key, which may have been saved earlier. Raises GoneError if there is none."""
        if key in self._places:
            self._places.move_to_end(key)
            return self._places[key]
        path = self._path(key)
        if path is None or not path.is_file():
            raise GoneError("This picture is no longer here; choose another one.")
        place = Place(key, Session.open(path, self.model))
        self._keep(place)
        return place

    def known(self, key: str) -> Place | None:
        """The place of a key if it is in memory."""
        return self._places.get(key)

    def save(self, place: Place) -> None:
        """Write the document. A full disk is logged, and editing continues."""
        path = self._path(place.key)
        assert path is not None
        try:
            place.session.save(path, overwrite=True)
        except UserError as error:
            log.warning("%s", error)

    def tidy(self) -> None:
        """Remove the oldest documents if there are too many."""
        documents = sorted(self.folder.glob("*.composegan"), key=lambda path: path.stat().st_mtime)
        for path in documents[:-ON_DISK]:
            path.unlink(missing_ok=True)

    def _keep(self, place: Place) -> None:
        self._places[place.key] = place
        while len(self._places) > IN_MEMORY:
            self._places.popitem(last=False)

    def _path(self, key: str) -> Path | None:
        """Where a document is; None for anything but a key."""
        return self.folder / f"{key}.composegan" if KEY.fullmatch(key) else None
