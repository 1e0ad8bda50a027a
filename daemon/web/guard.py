"""Who may: the visitor of a request, the rights a page asks for, and forms that are ours."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request

from daemon.records import trail, visits
from daemon.records.ledger import Ledger
from daemon.records.people_tables import Right
from daemon.records.trail import Deed
from daemon.records.visits import Limits, Visitor
from daemon.said import Said
from daemon.settings import Settings
from daemon.web.attachments import fields_of

FORM_KEY = "form_key"
"""The hidden field that says a form is ours."""


class SignedOut(Exception):
    """The page is for those who are signed in."""


class Refused(Exception):
    """The visitor may not, or the request is not what a form of ours sends."""

    def __init__(self, words: str, status: int = 403) -> None:
        super().__init__(words)
        self.words, self.status = words, status


def settings_of(request: Request) -> Settings:
    """Return the settings of the site that serves a request."""
    settings: Settings = request.app.state.settings
    return settings


def ledger_of(request: Request) -> Ledger:
    """Return the ledger of the site that serves a request."""
    ledger: Ledger = request.app.state.ledger
    return ledger


def limits_of(settings: Settings) -> Limits:
    """Return when a visit ends."""
    return Limits(timedelta(seconds=settings.web_idle_s), timedelta(seconds=settings.web_visit_s))


def cookie_of(settings: Settings, purpose: str = "visit") -> str:
    """Name a cookie of ours; ``__Host-`` keeps others of our domain from setting it."""
    return f"{'__Host-' if settings.web_secured else ''}osteoscreen-{purpose}"


def current(request: Request) -> Visitor | None:
    """Return who is signed in, if anybody."""
    settings = settings_of(request)
    secret = request.cookies.get(cookie_of(settings))
    found = visits.visitor(ledger_of(request), secret, limits_of(settings)) if secret else None
    request.state.visitor = found
    return found


Current = Annotated[Visitor | None, Depends(current)]


def at_least(right: Right) -> Callable[[Visitor | None], Visitor]:
    """Return what lets in visitors with that right alone."""

    def let_in(who: Current) -> Visitor:
        if who is None:
            raise SignedOut
        if not who.right.includes(right):
            words = Said(
                "This is for: {right}. You are signed in as: {own}.", right=right, own=who.right
            )
            raise Refused(words)
        return who

    return let_in


Viewer = Annotated[Visitor, Depends(at_least(Right.VIEWER))]
Operator = Annotated[Visitor, Depends(at_least(Right.OPERATOR))]
Administrator = Annotated[Visitor, Depends(at_least(Right.ADMINISTRATOR))]


def form_key(request: Request) -> str:
    """Return what the forms of a page carry: the visit's key, or the one of a cookie before it."""
    who: Visitor | None = getattr(request.state, "visitor", None)
    if who is not None:
        return who.form_key
    known = request.cookies.get(cookie_of(settings_of(request), "form"))
    request.state.new_form_key = known or secrets.token_urlsafe(32)
    return str(request.state.new_form_key)


async def sent_form(request: Request, who: Current) -> dict[str, str]:
    """Return the fields of a form that is ours, sent from a page of ours.

    Raises
    ------
    Refused
        If another site sent it, or its key is not the visitor's.
    """
    if _from_elsewhere(request):
        raise Refused("This form was sent from another site.")
    try:
        fields = _fields(request.headers.get("content-type", ""), await request.body())
        if any("\0" in value for value in fields.values()):
            raise ValueError
    except ValueError:
        raise Refused("This form cannot be read.", 400) from None
    name = cookie_of(settings_of(request), "form")
    expected = who.form_key if who else request.cookies.get(name, "")
    sent = fields.pop(FORM_KEY, "")
    if not expected or not secrets.compare_digest(sent.encode(), expected.encode()):
        raise Refused("This form has expired. Go back, load the page again, and send it anew.")
    return fields


def _fields(kind: str, body: bytes) -> dict[str, str]:
    if kind.startswith("multipart/"):
        return fields_of(kind, body)
    return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100))


SentForm = Annotated[dict[str, str], Depends(sent_form)]


def _from_elsewhere(request: Request) -> bool:
    """Tell whether a browser says that another site's page sent this."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    if settings_of(request).web_behind_proxy:
        host = request.headers.get("x-forwarded-host", host)
    return origin is not None and urlsplit(origin).netloc != host


def own_path(text: str) -> str:
    """Return a path on this site to go to, the first page for anything else."""
    plain = text.isascii() and text.isprintable() and text[:1] == "/"
    return text if plain and text[1:2] not in ("/", "\\") and "\\" not in text else "/"


def note(request: Request, who: Visitor | str, action: str, subject: str = "", **more: str) -> None:
    """Write down what somebody does, before it is done."""
    name = who if isinstance(who, str) else who.name
    address = request.client.host if request.client else ""
    by = "" if isinstance(who, str) or not who.token else f"by token {who.token}"
    detail = "; ".join(filter(None, (more.get("detail", ""), by)))
    deed = Deed(name, address, action, subject, detail)
    trail.write_down(ledger_of(request), deed)
