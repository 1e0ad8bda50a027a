"""A site's own table of clinical values, for what its headers do not carry."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom import Dataset

from engines.cases import Clinical
from engines.header import text

#: A row is looked up by the first of these that the table has as a column.
KEYS: Final = ("StudyInstanceUID", "AccessionNumber", "PatientID")
_NUMBERS: Final = {
    "age_years": (0.0, 120.0),
    "height_m": (0.4, 2.5),
    "weight_kg": (1.0, 400.0),
}
COLUMNS: Final = (*KEYS, *_NUMBERS, "sex")


class ClinicalTableError(ValueError):
    """The table cannot be used; the message names line and column and quotes no value."""


@dataclass(frozen=True)
class ClinicalTable:
    """Clinical values by one identifier.

    Attributes
    ----------
    key : str
        Keyword of the attribute that identifies a row.
    rows : mapping of str to Clinical
        By the value of that attribute.
    """

    key: str
    rows: Mapping[str, Clinical]

    def find(self, ds: Dataset) -> Clinical | None:
        """Return the values for the patient of this header, if the table has them."""
        return self.rows.get(text(ds, self.key))


def read_clinical_table(path: Path) -> ClinicalTable:
    """Read a CSV file with a header line.

    Columns: one or more of StudyInstanceUID, AccessionNumber, PatientID (the first of them, in this
    order, identifies a row), and any of ``age_years``, ``sex`` (F or M), ``height_m``,
    ``weight_kg``. An empty cell is missing.

    Raises
    ------
    ClinicalTableError
        If a column is unknown, a value cannot be, or two rows are for the same key.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            return _parse(csv.DictReader(lines, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        kind = type(error).__name__
        raise ClinicalTableError(f"the clinical table cannot be read ({kind})") from error


def _parse(reader: "csv.DictReader[str]") -> ClinicalTable:
    key = _key(reader.fieldnames or ())
    rows: dict[str, Clinical] = {}
    for row in reader:
        name, clinical = _row(row, key, reader.line_num)
        if name in rows:
            raise ClinicalTableError(f"line {reader.line_num}: this {key} came before")
        rows[name] = clinical
    return ClinicalTable(key, rows)


def _key(columns: Sequence[str]) -> str:
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown:
        raise ClinicalTableError(f"unknown column {unknown[0]!r}; known are {', '.join(COLUMNS)}")
    for key in KEYS:
        if key in columns:
            return key
    raise ClinicalTableError(f"no column says whose values these are; add one of {', '.join(KEYS)}")


def _row(row: Mapping[str | None, object], key: str, line: int) -> tuple[str, Clinical]:
    cells = {str(column): str(cell or "").strip() for column, cell in row.items() if column}
    if None in row:
        raise ClinicalTableError(f"line {line}: more cells than columns")
    if not cells[key]:
        raise ClinicalTableError(f"line {line}: {key} is empty")
    sex = cells.get("sex", "").upper()
    if sex not in ("F", "M", ""):
        raise ClinicalTableError(f"line {line}: sex must be F, M or empty")
    clinical = Clinical(
        age_years=_number(cells, "age_years", line),
        sex=sex or None,
        height_m=_number(cells, "height_m", line),
        weight_kg=_number(cells, "weight_kg", line),
    )
    return cells[key], clinical


def _number(cells: Mapping[str, str], column: str, line: int) -> float | None:
    cell = cells.get(column, "")
    if not cell:
        return None
    low, high = _NUMBERS[column]
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise ClinicalTableError(f"line {line}: {column} must be a number, {low:g} to {high:g}")
    return value
