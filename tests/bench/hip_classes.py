"""How well does the hip film's model tell three classes of virtual patients apart?

``python -m bench.hip_classes FOLDER`` gives the table of the paper for the reference weights, on
patients of a seed that they were not trained with: of each the worse side. Sights are kept in
FOLDER, as `osteoscreen-lab evaluate` does.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from engines.hip_vit.model import CLASSES
from engines.lab.cohort import virtual_cohort
from engines.lab.evaluation import Subject, measure
from engines.lab.figures import Figure, auc, sensitivity


def share(hits: np.ndarray) -> Figure:
    """Return how many are hits, with Wilson's interval."""
    return sensitivity(hits.astype(float), np.ones(len(hits), bool), 0.5)


def of_patients(scores: np.ndarray, truth: np.ndarray, patients: np.ndarray) -> tuple:
    """Return scores of the worse side and class of each patient; classes in the scores' order."""
    names, first = np.unique(patients, return_index=True)
    worse = []
    for name in names:
        mine = np.flatnonzero(patients == name)
        worse.append(mine[np.argmax(scores[mine, 0])])
    return scores[worse], truth[first]


def figures(scores: np.ndarray, truth: np.ndarray) -> list[tuple[str, str]]:
    """Return the figures of classes counted as the scores' columns are."""
    told = scores.argmax(axis=1)
    rows = [
        ("patients", ", ".join(f"{n} {(truth == i).sum()}" for i, n in enumerate(CLASSES[::-1]))),
        ("accuracy of three classes", str(share(told == truth))),
    ]
    for place, name in enumerate(CLASSES[::-1]):
        of, said = truth == place, told == place
        rows.append((f"{name}: AUC", str(auc(scores[:, place], of))))
        for what, hits in (
            ("sensitivity", said[of]),
            ("specificity", ~said[~of]),
            ("PPV", of[said]),
            ("NPV", ~of[~said]),
        ):
            rows.append((f"{name}: {what}", str(share(hits)) if len(hits) else "nobody"))
    return rows


def main(
    folder: Path,
    patients: Annotated[int, typer.Option(min=16)] = 200,
    seed: Annotated[int, typer.Option(min=0)] = 99,
    weights: Annotated[Path | None, typer.Option(help="Weights of yours.")] = None,
) -> None:
    """Print the table."""
    cohort = virtual_cohort(patients, seed)
    measured = measure(Subject("hip_vit", weights, folder), cohort, Console(stderr=True))
    seen = measured.seen
    truth = seen.labels[:, :3].argmax(axis=1)
    scores, classes = of_patients(measured.scores, truth, seen.rows["PatientID"].to_numpy())
    table = Table(title=f"{patients} virtual patients, {len(seen.left_out)} without a hip to read")
    table.add_column("figure")
    table.add_column("value", no_wrap=True)
    for row in figures(scores, classes):
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
