"""What the demo shows: a row for each study and model, and whether it is what was expected."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from daemon.demo.films import Film
from daemon.story import current_result, outcome
from engines.contract import number_of


@dataclass(frozen=True)
class Row:
    """One study's way through the system, as one model saw it; ``series`` has that result alone."""

    film: Film
    series: dict[str, Any]
    deliveries: list[dict[str, Any]]
    stored: list[str]
    sent_at: float

    @property
    def result(self) -> dict[str, Any]:
        """The current result, empty if there is none."""
        return current_result(self.series)

    @property
    def outcome(self) -> str:
        """``flagged``, ``not flagged``, or the state with its reason."""
        return outcome(self.series)

    @property
    def seconds(self) -> float | None:
        """From the last image sent to the SR stored."""
        stored = [d["sent_at"] for d in self.deliveries if d["kind"] == "SR" and d["sent_at"]]
        return datetime.fromisoformat(stored[0]).timestamp() - self.sent_at if stored else None

    @property
    def problems(self) -> list[str]:
        """Whatever did not come as expected."""
        problems = []
        if self.film.expected and self.outcome != self.film.expected:
            problems.append(f"{self.film.label}: {self.outcome}, expected {self.film.expected}")
        if self.result.get("state") == "screened" and sorted(self.stored) != ["SC", "SR"]:
            problems.append(f"{self.film.label}: the PACS has {self.stored or 'nothing'}")
        if self.series["state"] in ("failed", "parked", "never indexed"):
            problems.append(f"{self.film.label}: {self.outcome}")
        return problems


def show(console: Console, rows: list[Row]) -> None:
    """Print the table."""
    table = Table(title="What went in and what came back", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("study", "exam", "model", "score", "threshold", "outcome", "stored", "s"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        seconds = row.seconds
        table.add_row(
            row.film.label,
            row.series.get("exam") or "-",
            row.result.get("model") or "-",
            _each(row.result, "value"),
            _each(row.result, "threshold"),
            _coloured(row.outcome),
            " + ".join(row.stored) or "-",
            f"{seconds:.2f}" if seconds is not None else "-",
        )
    console.print(table)
    console.print("s: seconds from the last image sent to the SR stored in the PACS.")
    console.print(
        "CTs are measured, not learned; weights for films are trained on simulated patients:"
    )
    console.print("research only, not for clinical use.")


def _each(result: dict[str, Any], number: str) -> str:
    return ", ".join(number_of(finding, number) for finding in result.get("findings", [])) or "-"


def _coloured(outcome: str) -> str:
    return f"[bold yellow]{outcome}[/]" if outcome == "flagged" else outcome
