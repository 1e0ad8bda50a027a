"""The site put together: every page, what goes before it, and what is said when it fails."""

from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from daemon.records.ledger import Ledger, LedgerError
from daemon.records.trail import Watch
from daemon.settings import Settings
from daemon.web import (
    deliveries,
    federation,
    flow,
    language,
    models,
    overview,
    peer,
    peers,
    people,
    signing_in,
    studies,
    study,
    titles,
    tokens_page,
    trail_page,
)
from daemon.web.api.document import make_api
from daemon.web.guard import Refused, SignedOut, ledger_of
from daemon.web.pages import page, see
from daemon.web.shield import Shield

STATIC = Path(__file__).parent / "static"

PARTS = (
    *(
        signing_in,
        federation,
        overview,
        peers,
        peer,
        titles,
        studies,
        study,
        deliveries,
        flow,
        models,
    ),
    *(people, tokens_page, trail_page, language),
)
"""The files of routes: each page's, and no others; those of the JSON interface are its own."""

WORDS = {
    400: "This request cannot be understood.",
    404: "There is no such page.",
    405: "This page is not used in that way.",
}
AWAY = "The database cannot be reached. Images are received meanwhile; nothing is lost."


def make_app(settings: Settings, ledger: Ledger) -> ASGIApp:
    """Return the whole site, as a server runs it."""
    return Shield(make_inner_app(settings, ledger), settings.web_secured)


def make_inner_app(settings: Settings, ledger: Ledger) -> FastAPI:
    """Return the site without what shields it: its routes can be listed."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.settings, app.state.ledger = settings, ledger
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    api = make_api(settings, ledger)
    app.state.watch = api.state.watch = Watch()
    app.mount("/api", api)
    app.add_api_route("/health", health, methods=["GET"])
    for part in PARTS:
        app.include_router(part.router)
    _explain_failures(app)
    return app


def health(request: Request) -> Response:
    """Say whether the site and its database answer; to anybody, and nothing else."""
    try:
        ledger_of(request).revision()
    except LedgerError:
        return PlainTextResponse("the database does not answer\n", 503)
    return PlainTextResponse("ok\n")


def _explain_failures(app: FastAPI) -> None:
    @app.exception_handler(SignedOut)
    def signed_out(request: Request, _: Exception) -> Response:
        if request.method == "GET":
            return see(f"/sign-in?next={quote(request.url.path)}")
        return _failed(request, 401, "You are not signed in, or were signed out meanwhile.")

    @app.exception_handler(Refused)
    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return _failed(request, error.status, error.words)

    @app.exception_handler(HTTPException)
    def no_page(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _failed(request, error.status_code, WORDS.get(error.status_code, "No."))

    @app.exception_handler(RequestValidationError)
    def odd(request: Request, _: Exception) -> Response:
        return _failed(request, 400, WORDS[400])

    @app.exception_handler(LedgerError)
    def away(request: Request, _: Exception) -> Response:
        return _failed(request, 503, AWAY)


def _failed(request: Request, status: int, words: str) -> HTMLResponse:
    return page(request, "failed", status, words=words)
