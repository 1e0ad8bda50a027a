"""The JSON interface put together, described for strangers, its failures as JSON."""

from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from daemon.records.ledger import Ledger, LedgerError
from daemon.settings import Settings
from daemon.web.api import (
    deliveries,
    flow,
    models,
    overview,
    peers,
    people,
    studies,
    titles,
    tokens,
    trail,
)
from daemon.web.api.shapes import Problem
from daemon.web.guard import Refused, SignedOut
from engines.product import PRODUCT, VERSION

PARTS = overview, peers, titles, studies, deliveries, flow, models, people, tokens, trail
"""The files of addresses, and no others."""

DESCRIPTION = """
All that the pages of the site do, for programs.

**Who may call.** Make a token on the site, page *Tokens*, and send it with each call:
`Authorization: Bearer osteoscreen_...`. A token has a right (viewer, operator, administrator), at
most its person's right of that moment, and a day on which it ends. A token makes no token, and
cookies open nothing here.

**What is written down.** Every change and every look at a study is a row of the audit trail, with
the token's name.

**What comes back when it fails.** Always JSON with `status` and `error`, a sentence for a person.
401: no good token. 403: its right is not enough. 404: there is no such thing. 422: the call is not
as described. 503: the database cannot be reached; images are received meanwhile, try again.

**Words.** UIDs and keywords are DICOM's. *screened* and *flagged: false* means *not flagged*,
never *healthy*: this is research and screening support, not a diagnosis.
"""

WORDS = {404: "There is no such address.", 405: "This address is not used in that way."}
AWAY = "The database cannot be reached. Images are received meanwhile; nothing is lost."
FAILURES: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No token, or one that is not good any more"},
    403: {"model": Problem, "description": "The token's right is not enough"},
    422: {"model": Problem, "description": "The call is not as described here"},
    503: {"model": Problem, "description": "The database cannot be reached; try again"},
}

TOO_MUCH = {
    "413": "The body is longer than 64 KiB (12 MiB with a report)",
    "415": "The body is not called JSON",
}


def make_api(settings: Settings, ledger: Ledger) -> FastAPI:
    """Return the JSON interface, to be mounted under ``/api``."""
    api = FastAPI(
        title=f"{PRODUCT} JSON interface",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        generate_unique_id_function=_name,
        responses=FAILURES,
        dependencies=[Depends(no_strange_query)],
        servers=[{"url": "/api"}],
        root_path_in_servers=False,
    )
    api.state.settings, api.state.ledger = settings, ledger
    for part in PARTS:
        api.include_router(part.router)
    _explain_failures(api)
    _describe_bodies(api.openapi()["paths"])
    return api


def _describe_bodies(paths: dict[str, dict[str, Any]]) -> None:
    """Say what becomes of a body that is refused before it is read."""
    for told in (told for methods in paths.values() for told in methods.values()):
        if "requestBody" in told:
            same = told["responses"]["422"]["content"]
            for status, words in TOO_MUCH.items():
                told["responses"][status] = {"description": words, "content": same}


def no_strange_query(request: Request) -> None:
    """Refuse what no address asks for: a misspelt key would go unnoticed otherwise."""
    told = request.app.openapi()["paths"][request.scope["route"].path_format]
    asked = told[request.method.lower()].get("parameters", ())
    known = {one["name"] for one in asked if one["in"] == "query"}
    if set(request.query_params) - known:
        raise Refused(f"query: known here are {', '.join(sorted(known)) or 'none'}", 422)


def _name(route: APIRoute) -> str:
    return route.name


def problem(status: int, error: str, **headers: str) -> JSONResponse:
    """Return the answer to a call that failed."""
    return JSONResponse({"status": status, "error": error}, status, headers)


def _explain_failures(api: FastAPI) -> None:
    @api.exception_handler(SignedOut)
    def no_token(request: Request, _: Exception) -> JSONResponse:
        words = "Send a token that is good: Authorization: Bearer osteoscreen_..."
        return problem(401, words, **{"WWW-Authenticate": f'Bearer realm="{PRODUCT}"'})

    @api.exception_handler(Refused)
    def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refused)
        return problem(error.status, error.words)

    @api.exception_handler(HTTPException)
    def no_address(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if error.status_code == 400:
            return problem(422, "body: it is no JSON")
        words = WORDS.get(error.status_code, "No.")
        return problem(error.status_code, words, **(error.headers or {}))

    @api.exception_handler(RequestValidationError)
    def odd(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return problem(422, "; ".join(_where(one) for one in error.errors()))

    @api.exception_handler(LedgerError)
    def away(request: Request, _: Exception) -> JSONResponse:
        return problem(503, AWAY)


def _where(error: dict[str, Any]) -> str:
    """Say what is wrong with what was sent, and never what was sent."""
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
