"""Show screened series to a person: one row for each model's look at a series."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from engines.contract import number_of
from engines.findings import AT_MOST

_STATE_STYLES = {"screened": "", "skipped": "dim", "failed": "red"}


def series_table(screened: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out what :meth:`engines.screening.Screener.screen` returned."""
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    table.add_column("series", overflow="fold", min_width=20)
    for column in ("exam", "model", "state", "score"):
        table.add_column(column, no_wrap=True)
    table.add_column("outcome", overflow="fold")
    for series in screened:
        for result in series["results"]:
            table.add_row(
                series["SeriesInstanceUID"] or "–",
                series["exam"] or "–",
                result["model"] or "–",
                Text(result["state"], style=_STATE_STYLES[result["state"]]),
                _score(result),
                _outcome(result),
            )
    return table


def _score(result: Mapping[str, Any]) -> str:
    return "\n".join(map(_held, result["findings"])) or "–"


def _held(finding: Mapping[str, Any]) -> str:
    sign = "≤" if finding["flagged_when"] == AT_MOST else "≥"
    held = f"{number_of(finding)} ({sign} {number_of(finding, 'threshold')})"
    # several findings of one kind are told apart by where they are
    return f"{finding['site']} {held}" if finding["probability"] is None else held


def _outcome(result: Mapping[str, Any]) -> Text:
    if result["state"] != "screened":
        return Text(f"{result['reason']}: {result['detail']}")
    # a score below the threshold rules nothing out, so it is never called normal or negative
    return Text("flagged", style="bold yellow") if result["flagged"] else Text("not flagged")
