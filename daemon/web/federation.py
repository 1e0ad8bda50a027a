"""Signing in through the organisation's identity provider, where one is set."""

import logging
import secrets
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from daemon.invitations import NAME
from daemon.records import people
from daemon.said import Said
from daemon.web import provider
from daemon.web.guard import Current, Refused, cookie_of, ledger_of, note, own_path, settings_of
from daemon.web.pages import set_cookie
from daemon.web.provider import Known, ProviderError, Stray
from daemon.web.signing_in import ask, begin_visit

router = APIRouter()

log = logging.getLogger(__name__)

BETWEEN = "~"
"""Stands between the secret and the page to go on to, in the cookie; in no secret."""


@router.get("/sign-in/provider")
def to_provider(request: Request, next: str = "/") -> Response:
    """Send the browser to the identity provider, with a secret in a cookie to come back with."""
    if not settings_of(request).oidc_issuer:
        raise Refused("This site has no identity provider.", 404)
    secret, onward = secrets.token_urlsafe(32), own_path(next)
    try:
        answer = RedirectResponse(provider.way_there(settings_of(request), secret), 303)
    except ProviderError as error:
        return _not_let_in(request, onward, error)
    set_cookie(request, answer, "provider", secret + BETWEEN + quote(onward, safe=""))
    return answer


@router.get(provider.RETURN)
def come_back(request: Request, who: Current) -> Response:
    """Begin a visit for whom the provider let in, with the right that it gives there."""
    settings = settings_of(request)
    if not settings.oidc_issuer:
        raise Refused("This site has no identity provider.", 404)
    held = request.cookies.get(cookie_of(settings, "provider"), "")
    secret, _, onward = held.partition(BETWEEN)
    onward = own_path(unquote(onward))
    try:
        name = _let_in(request, provider.who_comes(settings, secret, request.query_params))
    except ProviderError as error:
        return _not_let_in(request, onward, error)
    note(request, name, "sign-in", detail="through the identity provider")
    return begin_visit(request, who, name, onward)


def _let_in(request: Request, known: Known) -> str:
    """Return the name here of whom the provider knows."""
    ledger = ledger_of(request)
    if known.right is None:
        people.shut_out(ledger, known.federated)
        raise ProviderError("none of your groups there may do anything here")
    if not NAME.fullmatch(known.name):
        raise ProviderError("your name there can be none here: letters, digits and . _ @ - only")
    before = people.by_provider(ledger, known.federated)
    if before is None and people.named(ledger, known.name):
        raise ProviderError("somebody else here has your name; an administrator can remove them")
    name = before.name if before else known.name
    if before is None or before.right != known.right:
        detail = f"{known.right}, by the identity provider"
        note(request, name, "person set", name, detail=detail)
    people.federate(ledger, name, known.federated, known.right)
    return name


def _not_let_in(request: Request, onward: str, error: ProviderError) -> Response:
    log.warning("event=provider-refused why=%r", str(error))
    if not isinstance(error, Stray):
        note(request, "unknown", "sign-in refused", detail=f"identity provider: {error}")
    return ask(request, onward, Said("You were not let in: {why}.", why=error), 403)
