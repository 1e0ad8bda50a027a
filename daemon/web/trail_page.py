"""What people did on the site, and whether anybody changed the record of it."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon.records import trail
from daemon.web.guard import Administrator, ledger_of
from daemon.web.pages import page
from daemon.web.trail_files import as_csv, as_xml, watch_of

router = APIRouter()


@router.get("/trail")
def trail_page(request: Request, who: Administrator, before: int | None = None) -> HTMLResponse:
    """Show the newest rows, and the first that does not add up, each followed once."""
    ledger, watch = ledger_of(request), watch_of(request)
    rows, problems = trail.newest(ledger, before), watch.problems(ledger)
    return page(request, "trail", rows=rows, problems=problems, count=watch.rows)


@router.get("/trail.csv")
def trail_csv(request: Request, who: Administrator) -> Response:
    """Give all rows, oldest first, as a table for a spreadsheet."""
    return as_csv(request, who)


@router.get("/trail.xml")
def trail_xml(request: Request, who: Administrator) -> Response:
    """Give all rows, oldest first, as DICOM audit messages."""
    return as_xml(request, who)
