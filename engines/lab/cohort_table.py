"""A cohort as a table for people."""

from rich.table import Table

from engines.lab.archive import Found


def cohort_table(found: Found) -> Table:
    """Lay out who is in a cohort, and for what reasons others are not."""
    table = Table(title="Cohort")
    table.add_column("studies")
    table.add_column("", justify="right")
    rows = found.cohort.rows
    if len(rows):
        for exam, count in rows["exam"].value_counts().items():
            ill = int(rows.loc[rows["exam"] == exam, "osteoporosis"].sum())
            table.add_row(f"{exam}: in the cohort, with osteoporosis", f"{count}, {ill}")
        table.add_row("patients", str(rows["PatientID"].nunique()))
    for reason, count in found.reasons().items():
        table.add_row(f"left out: {reason}", str(count))
    return table
