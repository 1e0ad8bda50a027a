"""The report of a commissioning: one page to sign and keep, and the same table on the terminal."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from daemon.commission.judge import Verdict
from daemon.settings import Settings
from daemon.story import current_result, deliveries
from engines.contract import number_of
from engines.product import PRODUCT, VERSION

HEADINGS = (
    "patient",
    "truth",
    "came by",
    "model",
    "score",
    "expected",
    "outcome",
    "delivered",
    "s",
)
SAYS_NOTHING = (
    "The patients are simulated. This page shows that the way from the sender to the result works "
    "and that the models answer as they do elsewhere; it says nothing about how well they read "
    "real patients."
)
STYLE = """
body { font: 11pt/1.4 system-ui, sans-serif; margin: 2cm; color: #222 }
h1 { font-size: 16pt } table { border-collapse: collapse; width: 100%; font-size: 9pt }
th, td { text-align: left; padding: 3px 6px; border-bottom: 1px solid #ccc; vertical-align: top }
.good { color: #060 } .bad { color: #b00; font-weight: bold } .line { margin-top: 1.5cm }
@media print { body { margin: 1cm } }
"""


def row(verdict: Verdict) -> list[str]:
    """Return one patient's line: the cells under :data:`HEADINGS`."""
    probe, series = verdict.probe, verdict.series
    result = current_result(series) if series else {}
    scores = [number_of(one) for one in result.get("findings", [])]
    return [
        probe.label,
        probe.truth,
        ", ".join(sorted({one["calling_aet"] for one in series.get("received", [])})) or "-",
        f"{result['model']} {result['version']}" if result else "-",
        ", ".join(scores) or "-",
        verdict.expected,
        verdict.outcome,
        _delivered(series),
        _seconds(series),
    ]


def table(verdicts: Sequence[Verdict]) -> Table:
    """Return the table for a terminal; problems stand below their patient."""
    shown = Table(title=_sentence(verdicts), title_justify="left", box=SIMPLE_HEAD)
    for heading in HEADINGS:
        shown.add_column(heading, overflow="fold")
    for verdict in verdicts:
        shown.add_row(*row(verdict), style="red" if verdict.problems else None)
    for problem in _problems(verdicts):
        shown.add_row(problem, style="bold red")
    return shown


def page(settings: Settings, to: str, name: str, verdicts: Sequence[Verdict]) -> str:
    """Return the page as HTML that needs nothing else.

    Parameters
    ----------
    settings : Settings
        Of the site.
    to : str
        AE title that the images were sent to.
    name : str
        The run's name.
    verdicts : sequence of Verdict
        One a patient.
    """
    head = "".join(f"<th>{escape(one)}</th>" for one in HEADINGS)
    lines = "".join(
        f"<tr class={'bad' if verdict.problems else 'good'}>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row(verdict))
        + "</tr>"
        for verdict in verdicts
    )
    problems = "".join(f"<li class=bad>{escape(one)}</li>" for one in _problems(verdicts))
    facts = f"{PRODUCT} {VERSION}, AE title {settings.aet}; images sent to {to}; run {name} (UTC)"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Commissioning {escape(name)}"
        f"</title><style>{STYLE}</style><h1>Commissioning with virtual patients</h1>"
        f"<p>{escape(facts)}</p><p class={'bad' if problems else 'good'}>"
        f"{escape(_sentence(verdicts))}</p><table><tr>{head}</tr>{lines}</table>"
        f"<ul>{problems}</ul><p>{escape(SAYS_NOTHING)}</p>"
        "<p class=line>Date, name, signature: ______________________________</p></html>\n"
    )


def _sentence(verdicts: Sequence[Verdict]) -> str:
    good = sum(not verdict.problems for verdict in verdicts)
    return f"{good} of {len(verdicts)} virtual patients came out as they are."


def _problems(verdicts: Sequence[Verdict]) -> list[str]:
    return [f"{one.probe.label}: {problem}" for one in verdicts for problem in one.problems]


def _delivered(series: Any) -> str:
    made = deliveries(series) if series else []
    return ", ".join(f"{one['kind']} {one['state']} {one['aet']}" for one in made) or "-"


def _seconds(series: Any) -> str:
    """Seconds from the last image here to the last result sent."""
    came = [datetime.fromisoformat(one["received_at"]) for one in series.get("received", [])]
    sent = [one["sent_at"] for one in deliveries(series) if one["sent_at"]] if series else []
    return f"{(datetime.fromisoformat(max(sent)) - max(came)).total_seconds():.1f}" if sent else "-"
