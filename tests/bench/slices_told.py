"""Which network tells slices with a lesion from those without: the paper's table of ten, on hips.

``python -m bench.slices_told COHORT.csv KEEP RUN RUN...`` scores the slices of hips that no run has
learned from (``python -m engines.onfh_mri.films`` writes such cohorts), each network at 0.5 as
trained: no threshold is sought. Each is held against the first by draws of patients. KEEP is the
folder that `osteoscreen-lab train --keep` filled.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from engines.lab.cohort import Cohort, read_cohort, require_no_overlap
from engines.lab.evaluation import Subject, measure
from engines.lab.figures import area_by_ranks, bootstrapped
from engines.onfh_mri.model import ENGINE, SLICES

LESION = 0.5
#: Where the labels of the slices begin, after those of their hip.
FIRST_SLICE = 3


def slices(run: Path, cohort: Cohort, keep: Path) -> tuple[NDArray[np.float64], ...]:
    """Return of each slice whose truth is known: probability, truth, and whose it is."""
    require_no_overlap(run / "cohort.csv", cohort)
    measured = measure(Subject("onfh_mri", run, keep), cohort, Console(stderr=True))
    truth = measured.seen.labels[:, FIRST_SLICE:]
    whose = measured.seen.rows["PatientID"].to_numpy()[:, None].repeat(truth.shape[1], axis=1)
    known = np.isfinite(truth)
    return measured.outputs[ENGINE][SLICES][known], truth[known] > 0, whose[known]


def mean(values: NDArray[np.float64], _truth: NDArray[np.bool_]) -> float:
    """Return the share of hits, or by how much it differs."""
    return float(values.mean())


def among(hits: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Return the share of hits among those for whom something holds."""
    return float(hits[truth].mean())


def main(
    table: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    keep: Annotated[Path, typer.Argument(file_okay=False)],
    runs: Annotated[list[Path], typer.Argument(exists=True, file_okay=False)],
) -> None:
    """Print the table."""
    cohort = read_cohort(table)
    shown = Table("run", "accuracy", "above the first", "recall", "specificity", "AUC of slices")
    first: NDArray[np.float64] | None = None
    for run in runs:
        told, truth, whose = slices(run, cohort, keep)
        hits = ((told >= LESION) == truth).astype(float)
        first = hits if first is None else first
        cells = [
            bootstrapped(mean, hits, truth, whose),
            bootstrapped(mean, hits - first, truth, whose) if hits is not first else "",
            bootstrapped(among, hits, truth, whose),
            bootstrapped(among, hits, ~truth, whose),
            bootstrapped(area_by_ranks, told, truth, whose),
        ]
        shown.add_row(run.name, *map(str, cells))
    shown.title = f"{len(truth)} slices of {len(np.unique(whose))} patients, {truth.sum()} ill"
    Console(width=200).print(shown)


if __name__ == "__main__":
    typer.run(main)
