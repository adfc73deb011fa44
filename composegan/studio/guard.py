"""Who may talk to the server: this machine's browser on this page, or whoever has the token."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
COOKIE = "composegan-token"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Sent with every answer. The page loads nothing from elsewhere."""


class Guard:
    """Middleware: refuses requests that another site's page, or another name for this machine, caused.

    host: that the server listens on. With a loopback address, the header Host must name one, so that no foreign
    domain name can be pointed here (DNS rebinding). token: "" for none; otherwise the first request brings it in its
    address, and a cookie afterwards. The header Origin, if any, must be this page's.
    """

    def __init__(self, app: ASGIApp, host: str, token: str) -> None:
        self.app, self.token, self.loopback = app, token, host in LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = self._refusal(Request(scope))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        await (answer or self.app)(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if self.loopback and _name_in(host) not in LOOPBACK:
            return _refused("This page is open on this computer only. Open it at http://127.0.0.1.")
        origin = request.headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return _refused("This request came from another page.")
        begins = request.method == "GET" and request.url.path == "/"  # a link to the page may be anywhere
        if not begins and request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return _refused("This request came from another page.")
        return self._without_token(request) if self.token else None

    def _without_token(self, request: Request) -> Response | None:
        if self._is_token(request.cookies.get(COOKIE, "")):
            return None
        if not self._is_token(request.query_params.get("token", "")):
            return _refused("Open the whole address that the terminal printed, with its token.")
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, self.token, httponly=True, samesite="lax", max_age=30 * 86400)
        return answer

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.token.encode())


def _name_in(host: str) -> str:
    """The name in a header Host, without the port; "" for a header that is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _refused(reason: str) -> Response:
    return JSONResponse({"error": reason}, 403)
