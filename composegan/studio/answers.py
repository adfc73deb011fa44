"""Errors as answers: a broken request is answered with the reason, never with a dead server."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from composegan.errors import UserError
from composegan.studio.desk import GoneError
from composegan.studio.uploads import TooLargeError

log = logging.getLogger(__name__)
Handler = Callable[[Any, Request], Awaitable[Response]]


def answered(handler: Handler) -> Handler:
    """A handler whose errors are answers: 4xx with the reason for what the page sent, 500 for a bug, which is
    logged."""

    @wraps(handler)
    async def safe(studio: Any, request: Request) -> Response:
        try:
            return await handler(studio, request)
        except UserError as error:
            status = 404 if isinstance(error, GoneError) else 413 if isinstance(error, TooLargeError) else 400
            return JSONResponse({"error": str(error)}, status)
        except Exception:
            log.exception("studio: %s %s failed", request.method, request.url.path)
            return JSONResponse({"error": "Something went wrong; the terminal says what. Your picture is kept."}, 500)

    return safe
