"""What people did on the site, and whether anybody changed the record of it."""

import csv
from collections.abc import Iterator
from io import StringIO

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon.records import trail
from daemon.records.people_tables import Trail
from daemon.web.guard import Administrator, ledger_of, note
from daemon.web.pages import page

router = APIRouter()

COLUMNS = ("id", "at", "person", "address", "action", "subject", "detail", "seal")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula."""


@router.get("/trail")
def trail_page(request: Request, who: Administrator, before: int | None = None) -> HTMLResponse:
    """Show the newest rows, and the first that does not add up."""
    ledger = ledger_of(request)
    rows, problems = trail.newest(ledger, before), trail.problems(ledger)
    return page(request, "trail", rows=rows, problems=problems, count=trail.count(ledger))


@router.get("/trail.csv")
def trail_csv(request: Request, who: Administrator) -> Response:
    """Give all rows, oldest first, as a table for a spreadsheet."""
    note(request, who, "trail exported")
    text = "".join(_lines(trail.everything(ledger_of(request))))
    name = {"Content-Disposition": 'attachment; filename="osteoscreen-trail.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=name)


def _lines(rows: Iterator[Trail]) -> Iterator[str]:
    yield _line(COLUMNS)
    for row in rows:
        facts = (row.person, row.address, row.action, row.subject, row.detail, row.seal)
        yield _line((row.id, row.at.isoformat(), *map(_harmless, facts)))


def _line(values: tuple[object, ...]) -> str:
    out = StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
