"""The studio's application on the shipped model, and requests to it without a network."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest

import composegan

pytest.importorskip("starlette", reason="pip install 'composegan[studio]'")


@pytest.fixture(scope="session")
def faces():
    return composegan.load("faces")


@pytest.fixture(scope="module")
def app(faces, tmp_path_factory):
    from composegan.studio.app import make_app

    return make_app(faces, tmp_path_factory.mktemp("documents"))


class Answer(SimpleNamespace):
    """status, headers, body of an answer."""

    @property
    def json(self):
        return json.loads(self.body)


def asked(app, path, content=None, *, body=None, headers=()):
    """The answer to one request. content: sent as JSON."""
    given = {"host": "127.0.0.1:8760", **dict(headers)}
    if content is not None:
        body, given["content-type"] = json.dumps(content).encode(), "application/json"
    path, _, query = path.partition("?")
    scope = {
        "type": "http", "method": "GET" if body is None else "POST", "path": path, "raw_path": path.encode(),
        "query_string": query.encode(), "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 8760),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip
    parts = [(body or b"")[start : start + 2**16] for start in range(0, max(1, len(body or b"")), 2**16)]
    sent = []

    async def receive():
        if not parts:  # the browser waits
            await asyncio.Event().wait()
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    found = dict(sent[0]["headers"])
    headers = {name.decode(): value.decode() for name, value in found.items()}
    return Answer(status=sent[0]["status"], headers=headers, body=b"".join(part.get("body", b"") for part in sent[1:]))


@pytest.fixture(scope="module")
def ask(app):
    return lambda *given, **named: asked(app, *given, **named)


@pytest.fixture(scope="session")
def ask_of():
    return asked
