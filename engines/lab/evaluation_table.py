"""The figures of an evaluation as a table for people."""

from collections import Counter

import numpy as np
from rich.table import Table

from engines.lab.calibrating import Agreement
from engines.lab.evaluation import Evaluation, Measured
from engines.lab.local_weights import Local
from engines.lab.recipes import threshold_words

_SIMULATED = "Simulated patients: no figure of clinical performance."


def evaluation_table(title: str, evaluation: Evaluation, simulated: bool = True) -> Table:
    """Lay out an evaluation; it says of simulated patients that they are."""
    table = Table(title=title, caption=_SIMULATED if simulated else None)
    table.add_column("figure")
    table.add_column("value", no_wrap=True)
    table.add_row(f"patients, with {evaluation.finding}", _people(evaluation))
    table.add_row("AUC", str(evaluation.auc))
    table.add_row("threshold", threshold_words(evaluation.threshold, evaluation.unit))
    table.add_row("sensitivity", str(evaluation.sensitivity))
    table.add_row("specificity", str(evaluation.specificity))
    best = threshold_words(evaluation.youden_threshold, evaluation.unit)
    table.add_row("threshold of the best Youden index", best)
    return table


def unjudged(measured: Measured) -> str:
    """Say how many of a cohort have no figure, and for which reasons."""
    reasons = Counter(str(reason) for reason in measured.seen.left_out.get("reason", ()))
    none = int(np.isnan(measured.scores).all(axis=1).sum())
    said = [f"{reason} {number}" for reason, number in reasons.most_common()]
    said += [f"looked at without a score {none}"] if none else []
    return f"{len(measured.seen.rows)} examples; left out: {', '.join(said) or 'none'}"


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
