"""The figures of an evaluation as a table for people."""

from rich.table import Table

from engines.lab_training import Evaluation


def evaluation_table(title: str, evaluation: Evaluation) -> Table:
    """Lay out an evaluation; every figure says that its patients are simulated."""
    table = Table(title=title, caption="Simulated patients: no figure of clinical performance.")
    table.add_column("figure")
    table.add_column("value", no_wrap=True)
    table.add_row("patients, osteoporotic", f"{evaluation.patients}, {evaluation.osteoporotic}")
    table.add_row("AUC", str(evaluation.auc))
    table.add_row("threshold", f"{evaluation.threshold:.4f}")
    table.add_row("sensitivity", str(evaluation.sensitivity))
    table.add_row("specificity", str(evaluation.specificity))
    table.add_row("threshold of the best Youden index", f"{evaluation.youden_threshold:.4f}")
    return table
