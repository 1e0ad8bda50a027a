"""Show screened series to a person: one row for each model's look at a series."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

_STATE_STYLES = {"screened": "", "skipped": "dim", "failed": "red"}
# enough of a UID to tell the series of one folder apart
_UID_END = 16


def series_table(screened: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out what :meth:`engines.screening.Screener.screen` returned."""
    table = Table(header_style="bold")
    for column in ("series", "exam", "model", "state", "score", "outcome"):
        table.add_column(column, overflow="fold")
    for series in screened:
        for result in series["results"]:
            table.add_row(
                Text(_short(series["SeriesInstanceUID"])),
                series["exam"] or "–",
                result["model"] or "–",
                Text(result["state"], style=_STATE_STYLES[result["state"]]),
                _score(result),
                _outcome(result),
            )
    return table


def _short(uid: str | None) -> str:
    if uid is None:
        return "–"
    return uid if len(uid) <= _UID_END else "…" + uid[-_UID_END:]


def _score(result: Mapping[str, Any]) -> str:
    parts = [f"{f['probability']:.3f} (≥ {f['threshold']:.3f})" for f in result["findings"]]
    return "\n".join(parts) or "–"


def _outcome(result: Mapping[str, Any]) -> Text:
    if result["state"] != "screened":
        return Text(f"{result['reason']}: {result['detail']}")
    # a score below the threshold rules nothing out, so it is never called normal or negative
    return Text("flagged", style="bold yellow") if result["flagged"] else Text("not flagged")
