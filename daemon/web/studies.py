"""All studies, searched: what became of them, the newest first."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from daemon.records import search
from daemon.records.search import Found, Wanted
from daemon.records.tables import SeriesState
from daemon.web.guard import Viewer, ledger_of
from daemon.web.pages import page
from engines.errors import Reason

router = APIRouter()

A_PAGE = 50
FLAGGED = "flagged"


@router.get("/studies")
def studies_page(request: Request, who: Viewer) -> HTMLResponse:
    """Show the newest studies as they were asked for; no name of a patient is in any address."""
    asked = {key: request.query_params.get(key, "").strip()[:200] for key in ASKED}
    found = search.studies(ledger_of(request), _wanted(asked), A_PAGE)
    more = {**asked, "before": found[-1].first_at.isoformat()} if len(found) == A_PAGE else {}
    return page(
        request,
        "studies",
        asked=asked,
        found=[(study, outcomes(study)) for study in found],
        states=[*SeriesState, FLAGGED],
        reasons=list(Reason),
        more={key: value for key, value in more.items() if value},
    )


ASKED = ("uid", "state", "reason", "from", "to", "before")


def _wanted(asked: dict[str, str]) -> Wanted:
    flagged = asked["state"] == FLAGGED
    return Wanted(
        uid=asked["uid"],
        state="" if flagged else asked["state"],
        reason=asked["reason"],
        flagged=flagged,
        first_day=_day(asked["from"]),
        last_day=_day(asked["to"]),
        before=_day(asked["before"]),
    )


def _day(text: str) -> datetime | None:
    """Read a day or a moment; what is none does not matter."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        return None


def outcomes(study: Found) -> list[tuple[str, str, int]]:
    """Return what became of a study's series: mark, words and how many; alike ones together."""
    counts: dict[tuple[str, str], int] = {}
    for series in study.series:
        told = outcome(series.state, series.reason, series.SeriesInstanceUID in study.flagged)
        counts[told] = counts.get(told, 0) + 1
    return [(mark, words, count) for (mark, words), count in counts.items()]


def outcome(state: str, reason: str | None, flagged: bool) -> tuple[str, str]:
    """Return a mark and words for one series; a negative is *not flagged*, never good news."""
    if state == SeriesState.SCREENED:
        return ("warn", "flagged") if flagged else ("", "not flagged")
    mark = "bad" if state in (SeriesState.FAILED, SeriesState.PARKED) else ""
    return mark, f"{state}: {reason}" if reason else state
