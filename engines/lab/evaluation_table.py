"""The figures of an evaluation as a table for people."""

from rich.table import Table

from engines.lab.evaluation import Evaluation

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
