"""What stands before every page: limits on what is sent to us, headers on what we send."""

import logging
import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.logs import where

log = logging.getLogger(__name__)

LONGEST_FORM = 64 << 10
LONGEST_REPORT = 12 << 20
REPORTS = re.compile(r"/models/reveal|/api/models/[^/]+/reveal")
"""Where a validation report is attached: the one file that is sent to us."""
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
WITH_FILE = "multipart/form-data"

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""No script at all, ours neither; nothing from elsewhere, and in nobody's frame."""

HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not no-referrer: a browser then says "Origin: null" of our own forms, as of a stranger's
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
# what is about patients stays in no browser's cache
NOT_KEPT = "no-store"
HSTS = "max-age=31536000"


class Shield:
    """The outermost layer; no error passes it, for a server's log would quote it."""

    def __init__(self, app: ASGIApp, secured: bool) -> None:
        self._app = app
        self._headers = HEADERS | ({"Strict-Transport-Security": HSTS} if secured else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began: list[bool] = []

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                began.append(True)
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", NOT_KEPT)
            await send(message)

        refusal = _refusal(scope)
        try:
            await (refusal or self._app)(scope, receive, sealed)
        except Exception as error:  # noqa: BLE001 - the edge of the site: named, never quoted
            log.error("event=page-failed error=%s", where(error))
            if not began:
                await _failure(scope, 500, "Something went wrong here.")(scope, receive, sealed)


def _refusal(scope: Scope) -> Response | None:
    """Return the answer to a request that no form of ours makes, and no call of our interface."""
    method, headers = scope["method"], Headers(scope=scope)
    if not scope["path"].isprintable():
        # a new line would lead past the routes of the interface to those of the pages
        return _failure(scope, 404, "nothing is called so")
    if b"%00" in scope["query_string"]:
        # no text in PostgreSQL holds one
        return _failure(scope, 422 if _is_call(scope) else 400, "a NUL is in the address")
    if method in ("GET", "HEAD"):
        return None
    length = headers.get("content-length", "")
    kind = headers.get("content-type", "").split(";")[0]
    called = _is_call(scope)
    attaches = REPORTS.fullmatch(scope["path"]) is not None
    longest = LONGEST_REPORT if attaches else LONGEST_FORM
    no_body = called and not length and "transfer-encoding" not in headers
    answers: Sequence[tuple[bool, int, str]] = (
        (not called and method != "POST", 405, "GET or POST"),
        (not length.isdecimal() and not no_body, 411, "a length is needed"),
        (length.isdecimal() and int(length) > longest, 413, "too long"),
        (not called and kind != FORM and not (attaches and kind == WITH_FILE), 415, f"send {FORM}"),
        (called and length not in ("", "0") and kind != JSON, 415, f"send {JSON}"),
    )
    return next((_failure(scope, code, why) for no, code, why in answers if no), None)


def _is_call(scope: Scope) -> bool:
    """Tell whether a program asks, not a browser: it is answered in its own way."""
    return str(scope["path"]).startswith("/api/")


def _failure(scope: Scope, status: int, why: str) -> Response:
    if _is_call(scope):
        return JSONResponse({"status": status, "error": why}, status)
    return PlainTextResponse(f"{why}\n", status)
