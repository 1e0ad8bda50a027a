"""Who was screened and who was not, and why; and what other thresholds would have flagged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from math import isfinite
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from daemon import titles
from daemon.dry_bands import MODEL, try_bands
from daemon.dry_rules import Other, try_rules
from daemon.dry_run import dry_run, thresholds
from daemon.records import flow, looks, peers
from daemon.records.flow import Period
from daemon.records.ledger import now
from daemon.records.looks import Look
from daemon.web.catalogue import saying
from daemon.web.flow_chart import of_flow
from daemon.web.guard import Viewer, ledger_of, settings_of
from daemon.web.pages import page
from daemon.web.studies import day
from engines.card_index import CARDS
from engines.ct_attenuation.tables import BANDS, NO_BAND, PHASES
from engines.rules import Measuring

router = APIRouter()

DAYS = 28
LOOKS, LOOKS_MOST = 1000, 5000
SERIES, SERIES_MOST = 200, 1000
"""Each has its header read: about a thousand a second."""
LISTED, FEW = 50, 5
"""Studies that a dry run names; where they are few, nobody has to ask for them."""
A_DAY = timedelta(days=1)


@router.get("/flow")
def flow_page(request: Request, who: Viewer) -> HTMLResponse:
    """Show the flow of a period: the last four weeks, unless asked otherwise."""
    ledger, period = ledger_of(request), period_of(request.query_params)
    # of a source that is none of the peers any more there may be series all the same
    sources = {peer.aet for peer in peers.everyone(ledger) if peer.sends} | {period.source}
    told = flow.flow(ledger, period)
    return page(
        request,
        "flow",
        flow=told,
        chart=of_flow(told, saying(request).say),
        period=replace(period, end=period.end - A_DAY),
        sources=sorted(sources - {""}),
    )


def period_of(asked: Mapping[str, str]) -> Period:
    """Return the period that was asked for: its last day is whole."""
    midnight = now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    begin = day(asked.get("from", "")) or midnight - (DAYS - 1) * A_DAY
    last = day(asked.get("to", "")) or midnight
    return Period(begin, last + A_DAY, asked.get("source", "")[:16])


@router.get("/dry-run")
def dry_run_page(request: Request, who: Viewer) -> HTMLResponse:
    """Hold the newest results of a model against other thresholds, without effect."""
    asked = request.query_params
    model = asked.get("model", "") or CARDS[0].model
    known = [card.model for card in CARDS]
    most = min(_whole(asked.get("most", "")) or LOOKS, LOOKS_MOST)
    seen = looks.newest(ledger_of(request), model, most) if model in known else []
    stand = thresholds(seen)
    changed = {one.name: _number(asked.get(f"t.{one.name}", "")) for one in stand}
    wanted = {name: value for name, value in changed.items() if value is not None}
    other, newest = other_rules(asked), min(_whole(asked.get("newest", "")) or SERIES, SERIES_MOST)
    settings = settings_of(request)
    return page(
        request,
        "dry_run",
        models=known,
        model=model,
        most=most,
        thresholds=stand,
        wanted=wanted,
        run=dry_run(seen, wanted),
        listed=LISTED,
        few=FEW,
        other=other,
        newest=newest,
        rules=settings.rules,
        rules_run=try_rules(settings, ledger_of(request), other, newest) if other.changes else None,
        titles=[one.aet for one in titles.all_of(settings, ledger_of(request))],
        **_bands(asked, settings.rules.measuring, seen if model == MODEL else None),
    )


def _bands(
    asked: Mapping[str, str], measuring: Measuring, seen: Sequence[Look] | None
) -> dict[str, Any]:
    """Return what the page tells of tables and corrections; nothing of other models."""
    if seen is None:
        return {"bands_run": None}
    table = asked.get("table", "")
    added = {phase: _number(asked.get(f"p.{phase}", "")) for phase in PHASES}
    tried = replace(
        measuring,
        bands=table if table in BANDS else measuring.bands,
        phase_correction_hu=dict(measuring.phase_correction_hu)
        | {phase: hu for phase, hu in added.items() if hu is not None},
    )
    judging = [phase for phase in PHASES if phase not in NO_BAND]
    return {"bands_run": try_bands(seen, tried), "tried": tried, "tables": BANDS, "phases": judging}


def other_rules(asked: Mapping[str, str]) -> Other:
    """Return the rules that were asked for; what is left out or is nonsense stays as it is."""
    age = asked.get("age", "")
    derived = {"yes": True, "no": False}.get(asked.get("derived", ""))
    model, _, switch = asked.get("switch", "").partition(" ")
    known = model in {card.model for card in CARDS} and switch in ("on", "off")
    return Other(
        min_age_years=int(age) if age.isdecimal() and len(age) < 4 else None,
        accept_derived_primary=derived,
        model=model if known else "",
        on=known and switch == "on",
        title=asked.get("title", "")[:16],
    )


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else 0


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
