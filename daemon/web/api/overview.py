"""How the system stands, and whose token this is."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from daemon.conformance.statement import statement
from daemon.metrics import exposition
from daemon.records import peers, tally
from daemon.retention import Retention
from daemon.standing import standing
from daemon.web.api.bearer import Viewer
from daemon.web.api.shapes import Day, Due, Me, Status
from daemon.web.guard import ledger_of, settings_of
from daemon.web.needs import needs
from daemon.web.overview import DAYS, models_now

router = APIRouter(tags=["status"])

TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {}}, "description": "Prometheus text format"}
}
MARKDOWN: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/markdown": {}}, "description": "The statement (PS3.2)"}
}


@router.get("/me", response_model=Me)
def whose_token(request: Request, who: Viewer) -> Any:
    """Tell whose the token is and what it may."""
    return {"person": who.name, "right": who.right, "token": who.token}


@router.get("/status", response_model=Status)
def status(request: Request, who: Viewer) -> Any:
    """Count what came and what became of it; name what waits and what needs a person."""
    settings, ledger = settings_of(request), ledger_of(request)
    numbers = standing(settings, ledger)
    found = needs(numbers, peers.everyone(ledger), models_now(request))
    told = [{"state": need.state, "words": need.words, "path": need.path} for need in found]
    days = [_told(day) for day in tally.days(ledger, DAYS)]
    return numbers | {"needs": told, "days": days}


def _told(day: tally.Day) -> dict[str, Any]:
    return {key: getattr(day, key) for key in Day.model_fields}


@router.get("/metrics", response_class=Response, responses=TEXT)
def metrics(request: Request, who: Viewer) -> Response:
    """Count everything for a monitoring system, as `osteoscreen metrics` does."""
    told = exposition(settings_of(request), ledger_of(request))
    return Response(told, media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get("/conformance", response_class=Response, responses=MARKDOWN)
def conformance(request: Request, who: Viewer) -> Response:
    """Write the DICOM conformance statement of this installation."""
    return Response(statement(settings_of(request)), media_type="text/markdown")


@router.get("/retention", response_model=list[Due])
def retention(request: Request, who: Viewer) -> Any:
    """Say what would be purged now and by which rule; nothing is changed."""
    rows = Retention(settings_of(request), ledger_of(request)).due()
    return [{key.replace(" ", "_"): value for key, value in row.items()} for row in rows]
