"""A site's DXA results as a table: whose, when, and the T-scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from engines.lab.camera import known
from engines.lab.cohort import CohortError, pandas
from engines.lab.labels import lowest_t_score
from engines.lab.recipes import Row

KEY, DATE = "PatientID", "dxa_date"
T_SCORES: Final = ("t_spine", "t_neck", "t_hip")
_T_LIMITS = (-10.0, 10.0)


@dataclass(frozen=True)
class Dxa:
    """One measurement.

    Attributes
    ----------
    when : date
        Of the measurement.
    row : mapping
        All columns of the site's table, and ``t_lowest``.
    """

    when: date
    row: Row


def read_dxa(file: Path) -> Mapping[str, list[Dxa]]:
    """Read a CSV with PatientID, dxa_date, and any of t_spine, t_neck, t_hip.

    Dates are YYYYMMDD or YYYY-MM-DD. Further columns are kept; ``age_years``, ``sex``, ``height_m``
    and ``weight_kg`` fill what image headers lack.

    Returns
    -------
    mapping of str to list of Dxa
        By PatientID.

    Raises
    ------
    CohortError
        If a column is missing or a value cannot be; it names the line and quotes no value.
    """
    table = pandas().read_csv(file, dtype={KEY: str, DATE: str}, encoding="utf-8-sig")
    missing = [column for column in (KEY, DATE) if column not in table]
    if missing or not set(T_SCORES) & set(table):
        raise CohortError(f"the DXA table needs {KEY}, {DATE} and one of {', '.join(T_SCORES)}")
    found: dict[str, list[Dxa]] = {}
    for line, row in enumerate(table.to_dict("records"), start=2):
        when = day(str(row[DATE]))
        if not known(row, KEY) or when is None:
            raise CohortError(f"line {line}: {KEY} is empty, or {DATE} is no date")
        found.setdefault(str(row[KEY]).strip(), []).append(Dxa(when, _with_lowest(row, line)))
    return found


def nearest(measured: list[Dxa], when: date) -> Dxa:
    """Return the measurement that is nearest to a day; of two the earlier."""
    return min(measured, key=lambda one: (abs((one.when - when).days), one.when))


def day(text: str) -> date | None:
    """Read YYYYMMDD or YYYY-MM-DD; None for anything else."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _with_lowest(row: dict[str, Any], line: int) -> Row:
    low, high = _T_LIMITS
    for column in T_SCORES:
        try:
            fits = not known(row, column) or low <= float(row[column]) <= high
        except ValueError:
            fits = False
        if not fits:
            raise CohortError(f"line {line}: {column} must be a T-score, {low:g} to {high:g}")
    # what the table says of the lowest is not believed against its own sites
    sites: Row = {column: row[column] for column in T_SCORES if column in row}
    return {**row, "t_lowest": lowest_t_score(sites)}
