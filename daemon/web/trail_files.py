"""The audit trail as files: a table for a spreadsheet, messages for a hospital's own log."""

import csv
from collections.abc import Iterator
from io import StringIO

from fastapi import Request
from fastapi.responses import StreamingResponse

from daemon import audit_messages
from daemon.records import trail
from daemon.records.people_tables import Trail
from daemon.records.trail import Watch
from daemon.records.visits import Visitor
from daemon.web.guard import ledger_of, note, settings_of

COLUMNS = ("id", "at", "person", "address", "action", "subject", "detail", "seal")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula."""


def watch_of(request: Request) -> Watch:
    """Return what follows the chain as long as this site runs."""
    watch: Watch = request.app.state.watch
    return watch


def as_csv(request: Request, who: Visitor, after: int = 0) -> StreamingResponse:
    """Give the rows after a number, oldest first, as a table for a spreadsheet."""
    return _file("csv", "text/csv", _lines(_exported(request, who, "CSV", after)))


def as_xml(request: Request, who: Visitor, after: int = 0) -> StreamingResponse:
    """Give the rows after a number, oldest first, as DICOM audit messages."""
    rows = _exported(request, who, "DICOM audit messages", after)
    return _file("xml", "application/xml", audit_messages.document(rows, settings_of(request).aet))


def _exported(request: Request, who: Visitor, form: str, after: int) -> Iterator[Trail]:
    note(request, who, "trail exported", detail=f"{form}, after row {after}")
    return trail.everything(ledger_of(request), after)


def _file(ending: str, kind: str, pieces: Iterator[str]) -> StreamingResponse:
    name = {"Content-Disposition": f'attachment; filename="osteoscreen-trail.{ending}"'}
    return StreamingResponse(pieces, media_type=f"{kind}; charset=utf-8", headers=name)


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
