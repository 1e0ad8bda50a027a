"""The first page: does anything need a person, and what came today?"""

import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from daemon.models import rows
from daemon.records import peers, summary, tally
from daemon.records.ledger import Ledger
from daemon.records.tables import SeriesState
from daemon.retention import room_now
from daemon.settings import Settings
from daemon.spool import Spool
from daemon.web.catalogue import saying
from daemon.web.charts import of_days
from daemon.web.guard import Viewer, ledger_of, settings_of
from daemon.web.needs import needs
from daemon.web.pages import page

router = APIRouter()

DAYS = 14
WEIGHTS_READ_S = 60.0
"""How often all files of all weights are held against their hashes: that reads every byte."""


def numbers_now(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    """Return of what `osteoscreen status` tells what may need a person."""
    numbers = summary.pressing(ledger) | {"disk": room_now(settings, ledger)}
    numbers["oldest"] = Spool(settings.spool).oldest() | numbers["oldest"]
    return numbers


@router.get("/")
def overview(request: Request, who: Viewer) -> HTMLResponse:
    """Show what needs a person, then today, the weeks before, and what waits."""
    settings, ledger = settings_of(request), ledger_of(request)
    numbers, everyone = numbers_now(settings, ledger), peers.everyone(ledger)
    models = models_now(request)
    days = tally.days(ledger, DAYS)
    today = days[-1]
    return page(
        request,
        "overview",
        needs=needs(numbers, everyone, models),
        numbers=numbers,
        today=today,
        skipped=tally.reasons(ledger, today.begin, SeriesState.SKIPPED),
        chart=of_days(days, saying(request).say),
        days=DAYS,
        stages=_stages(numbers),
        models=models,
        looked=tally.last_looks(ledger),
        last=tally.last_images(ledger, [peer.aet for peer in everyone if peer.sends]),
    )


def models_now(request: Request) -> list[dict[str, Any]]:
    """Return each model with its stage of this moment, and its weights as they were lately."""
    settings, ledger, kept = settings_of(request), ledger_of(request), request.app.state
    moment = time.monotonic()
    if moment >= getattr(kept, "weights_until", 0.0):
        kept.weights, kept.weights_until = rows(settings, ledger), moment + WEIGHTS_READ_S
    stages = peers.stages(ledger)
    return [row | {"stage": stages[row["model"]]} for row in kept.weights]


def _stages(numbers: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each stage in the order of the way, with its depth and its oldest item."""
    series, deliveries = numbers["series"]["by_state"], numbers["deliveries"]
    depths = {state: series[state] for state in ("receiving", "queued", "screening")}
    depths["delivery"] = deliveries["pending"] + deliveries["sending"]
    told = {stage: numbers["oldest"].get(stage, {}) for stage in depths}
    known = [{"stage": stage, "depth": depths[stage], **told[stage]} for stage in depths]
    others = [
        {"stage": stage, "depth": None, **item}
        for stage, item in numbers["oldest"].items()
        if stage not in depths
    ]
    return others + known
