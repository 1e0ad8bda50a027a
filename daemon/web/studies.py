"""All studies, searched: what became of them, the newest first."""

from collections.abc import Mapping
from datetime import MAXYEAR, datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon.pseudonyms import Pseudonyms
from daemon.records import search
from daemon.records.search import Found, Wanted
from daemon.records.tables import SeriesState
from daemon.records.visits import Visitor
from daemon.said import Said
from daemon.web.guard import SentForm, Viewer, ledger_of, note, settings_of
from daemon.web.pages import page, see
from engines.errors import Reason

router = APIRouter()

A_PAGE = 50
FLAGGED = "flagged"


ASKED = ("uid", "state", "reason", "from", "to", "before")
IDENTITY = {"patient": "PatientID", "accession": "AccessionNumber"}
"""What is asked for in forms alone: in no address, so in no history and in no server's log."""


@router.get("/studies")
def studies_page(request: Request, who: Viewer) -> HTMLResponse:
    """Show the newest studies as they were asked for; no name of a patient is in any address."""
    asked = {key: request.query_params.get(key, "").strip()[:200] for key in ASKED}
    return _show(request, asked | dict.fromkeys(IDENTITY, ""), {})


@router.post("/studies")
def find(request: Request, who: Viewer, form: SentForm) -> Response:
    """Search; what says no patient becomes an address that can be kept and sent around."""
    asked = {key: form.get(key, "").strip()[:200] for key in (*ASKED, *IDENTITY)}
    keys = sought(request, who, asked)
    if not keys:
        return see(f"/studies?{urlencode({key: asked[key] for key in ASKED if asked[key]})}")
    return _show(request, asked, keys)


def sought(request: Request, who: Visitor, asked: Mapping[str, str]) -> dict[str, str | None]:
    """Return the hashes by which a patient's studies are found; the search is written down."""
    known = [key for key in IDENTITY if asked.get(key)]
    pseudonyms = Pseudonyms(settings_of(request).home)
    keys = {f"{key}_key": pseudonyms.of(IDENTITY[key], asked[key]) for key in known}
    for key in known:
        subject = keys[f"{key}_key"] or ""
        note(request, who, "studies searched", subject, detail=f"by {IDENTITY[key]}, hashed")
    return keys


def _show(request: Request, asked: dict[str, str], keys: dict[str, str | None]) -> HTMLResponse:
    found = search.studies(ledger_of(request), wanted(asked, keys), A_PAGE)
    more = {**asked, "before": found[-1].first_at.isoformat()} if len(found) == A_PAGE else {}
    return page(
        request,
        "studies",
        asked=asked,
        found=[(study, outcomes(study)) for study in found],
        states=[*SeriesState, FLAGGED],
        reasons=list(Reason),
        more={key: value for key, value in more.items() if value},
        identified=bool(keys),
    )


def wanted(asked: Mapping[str, str], keys: Mapping[str, str | None]) -> Wanted:
    """Read a search as its form sends it, with the hashes of who is looked for."""
    flagged = asked["state"] == FLAGGED
    return Wanted(
        uid=asked["uid"],
        state="" if flagged else asked["state"],
        reason=asked["reason"],
        flagged=flagged,
        first_day=day(asked["from"]),
        last_day=day(asked["to"]),
        before=day(asked["before"]),
        **keys,
    )


def day(text: str) -> datetime | None:
    """Read a day or a moment; what is none does not matter, nor what no calendar can follow."""
    try:
        day = datetime.fromisoformat(text).astimezone()
        return day if day.year < MAXYEAR else None
    except (ValueError, OverflowError):
        return None


SAID = {
    (True, False): ("warn", FLAGGED),
    (True, True): ("warn", FLAGGED),
    (False, True): ("", "retracted"),
    (False, False): ("", "not flagged"),
}
"""Mark and words of a series with a result: whether it is flagged, whether it was taken back."""


def outcomes(study: Found) -> list[tuple[str, str, int]]:
    """Return what became of a study's series: mark, words and how many; alike ones together."""
    counts: dict[tuple[str, str], int] = {}
    for series in study.series:
        uid = series.SeriesInstanceUID
        said = SAID[uid in study.flagged, uid in study.retracted]
        told = outcome(series.state, series.reason, said)
        counts[told] = counts.get(told, 0) + 1
    return [(mark, words, count) for (mark, words), count in counts.items()]


def outcome(state: str, reason: str | None, said: tuple[str, str]) -> tuple[str, str]:
    """Return a mark and words for one series; a negative is *not flagged*, never good news."""
    if state == SeriesState.SCREENED:
        return said
    mark = "bad" if state in (SeriesState.FAILED, SeriesState.PARKED) else ""
    if reason:
        return mark, Said("{state}: {reason}", state=Said(state), reason=reason)
    return mark, Said(state)
