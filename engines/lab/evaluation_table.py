"""The figures of an evaluation as a table for people."""

from rich.table import Table

from engines.lab.calibrating import Agreement
from engines.lab.evaluation import Evaluation
from engines.lab.local_weights import Local

_SIMULATED = "Simulated patients: no figure of clinical performance."


def evaluation_table(title: str, evaluation: Evaluation, simulated: bool = True) -> Table:
    """Lay out an evaluation; it says of simulated patients that they are."""
    table = Table(title=title, caption=_SIMULATED if simulated else None)
    table.add_column("figure")
    table.add_column("value", no_wrap=True)
    table.add_row(f"patients, with {evaluation.finding}", _people(evaluation))
    table.add_row("AUC", str(evaluation.auc))
    table.add_row("threshold", f"{evaluation.threshold:.4f}")
    table.add_row("sensitivity", str(evaluation.sensitivity))
    table.add_row("specificity", str(evaluation.specificity))
    table.add_row("threshold of the best Youden index", f"{evaluation.youden_threshold:.4f}")
    return table


def _people(evaluation: Evaluation) -> str:
    if evaluation.examples == evaluation.patients:
        return f"{evaluation.patients}, {evaluation.positive}"
    return f"{evaluation.patients}; of {evaluation.examples} looks at them, {evaluation.positive}"


def local_table(local: Local) -> Table:
    """Lay out a site's own operating point, and how scores agreed before and after."""
    caption = "After: each patient's score calibrated on other patients alone."
    table = Table(title=f"{local.finding}: thresholds of this site", caption=caption)
    table.add_column("figure")
    table.add_column("value")
    table.add_row("threshold", f"{local.point.threshold:.4f}")
    for group in local.point.groups:
        ages = f"{group.from_age_years:g} to {group.to_age_years:g} years"
        table.add_row(f"threshold, {group.sex or 'both sexes'}, {ages}", f"{group.threshold:.4f}")
    for name, found in (("before", local.before), ("after", local.after)):
        if found:
            table.add_row(f"agreement {name}", _agreed(found))
    table.add_row("source", local.point.source)
    return table


def _agreed(found: Agreement) -> str:
    return (
        f"Brier {found.brier:.4f}, slope {found.slope:.2f}, intercept {found.intercept:+.2f}, "
        f"expected : observed {found.expected_to_observed:.2f}"
    )
