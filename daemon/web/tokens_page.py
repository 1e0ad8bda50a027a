"""The tokens with which programs call the JSON interface: made, shown once, revoked."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon.records.ledger import now
from daemon.records.people_tables import Right
from daemon.web.guard import Refused, SentForm, Viewer
from daemon.web.pages import page, see
from daemon.web.token_deeds import make_token, revoke_token, tokens_of

router = APIRouter()


@router.get("/tokens")
def tokens_page(request: Request, who: Viewer) -> HTMLResponse:
    """List one's own tokens; to an administrator, everybody's."""
    return _show(request, who)


def _show(
    request: Request, who: Viewer, words: str = "", secret: str = "", status: int = 200
) -> HTMLResponse:
    rights = [right for right in Right if who.right.includes(right)]
    facts = {"tokens": tokens_of(request, who), "rights": rights, "now": now()}
    return page(request, "tokens", status, words=words, secret=secret, **facts)


@router.post("/tokens/make")
def make(request: Request, who: Viewer, form: SentForm) -> HTMLResponse:
    """Make a token for oneself, and show its secret this once."""
    try:
        return _show(request, who, secret=make_token(request, who, form))
    except Refused as error:
        return _show(request, who, error.words, status=error.status)


@router.post("/tokens/revoke")
def revoke(request: Request, who: Viewer, form: SentForm) -> Response:
    """Revoke a token at once."""
    revoke_token(request, who, form.get("id", ""))
    return see("/tokens")
