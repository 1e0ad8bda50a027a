"""The audit trail: its rows, whether they are as written down, and the whole of it as files."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from daemon.records import trail
from daemon.records.trail import Watch
from daemon.web.api.bearer import Administrator
from daemon.web.api.shapes import TrailCheck, TrailRow
from daemon.web.guard import ledger_of
from daemon.web.trail_files import as_csv, as_xml, watch_of

router = APIRouter(tags=["audit"])

ROWS_MOST = 1000
After = Annotated[
    int, Query(ge=0, le=2**31 - 1, description="Rows with a higher number alone, as a nightly job")
]
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}}, "description": "One row a line, with a head"}
}
XML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/xml": {}}, "description": "AuditMessage elements in one of ours"}
}


@router.get("/trail", response_model=list[TrailRow])
def list_trail(
    request: Request,
    who: Administrator,
    before: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Rows with a lower number alone")
    ] = None,
    most: Annotated[int, Query(ge=1, le=ROWS_MOST)] = 100,
) -> Any:
    """List what people did and looked at, the newest first."""
    keys = TrailRow.model_fields
    rows = trail.newest(ledger_of(request), before, most)
    return [{key: getattr(row, key) for key in keys} for row in rows]


@router.get("/trail/check", response_model=TrailCheck)
def check_trail(
    request: Request,
    who: Administrator,
    whole: Annotated[
        bool, Query(description="Follow every row anew, as `osteoscreen audit` does")
    ] = False,
) -> Any:
    """Follow the chain of seals, from where it was last found whole; say where it breaks."""
    watch = Watch() if whole else watch_of(request)
    problems = watch.problems(ledger_of(request))
    return {"rows": watch.rows, "problems": problems}


@router.get("/trail.csv", response_class=Response, responses=CSV)
def trail_csv(request: Request, who: Administrator, after: After = 0) -> Response:
    """Give the rows, oldest first, as a table for a spreadsheet; the export is a row itself."""
    return as_csv(request, who, after)


@router.get("/trail.xml", response_class=Response, responses=XML)
def trail_xml(request: Request, who: Administrator, after: After = 0) -> Response:
    """Give the rows, oldest first, as DICOM audit messages (PS3.15 A.5, after RFC 3881)."""
    return as_xml(request, who, after)
