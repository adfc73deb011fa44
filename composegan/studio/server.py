"""Start the server: a free port, the address in the terminal, and the browser."""

from __future__ import annotations

import secrets
import socket
import threading
import webbrowser
from pathlib import Path

import uvicorn

from composegan.errors import UserError
from composegan.model.saved_model import Model
from composegan.studio.app import make_app
from composegan.studio.guard import LOOPBACK

TRIED = 20
"""Ports after the first that are tried."""


def serve(model: Model, folder: Path, host: str, port: int, browser: bool) -> None:
    """Serve until interrupted. port: the first that is tried; 0: any. Raises UserError if none can be used."""
    token = "" if host in LOOPBACK else secrets.token_urlsafe(16)
    listening = listen(host, port)
    found = listening.getsockname()[1]
    if port and found != port:
        print(f"port={port}: in use; using {found} instead")
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    shown = f"[{shown}]" if ":" in shown else shown
    address = f"http://{shown}:{found}/" + (f"?token={token}" if token else "")
    print(f"The studio is open at {address}\nPictures are kept in {folder}. Stop with Ctrl+C.", flush=True)
    if browser:
        threading.Timer(0.3, webbrowser.open, (address,)).start()
    app = make_app(model, folder, host, token)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, ws="none", lifespan="off", h11_max_incomplete_event_size=2**16
    )
    uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket at the port, or at one of the next if it is in use. Raises UserError if none is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in range(port, port + (TRIED if port else 1)):
        candidate = socket.socket(family, socket.SOCK_STREAM)
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((host, number))
            candidate.listen(128)
            return candidate
        except OSError as error:
            candidate.close()
            reason = error.strerror or str(error)
        except OverflowError:
            reason = "no such port"
    raise UserError(f"host={host} port={port}: cannot be used ({reason}); choose another port, or leave host= out")
