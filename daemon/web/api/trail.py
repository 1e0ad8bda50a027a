"""The audit trail: its rows, whether they are as written down, and the whole of it as files."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from daemon.records import trail
from daemon.web.api.bearer import Administrator
from daemon.web.api.shapes import TrailRow
from daemon.web.guard import ledger_of

router = APIRouter(tags=["audit"])

ROWS_MOST = 1000


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
