"""Which runs of `ct_multitask` order the next fractures best, and does any gain over age and sex?

``python -m bench.prognosis VIEWS RUN RUN...`` scores virtual patients of a seed that no run has
seen; each run is held against the first, by draws of the same patients. Beside them stands a Cox
model (lifelines) of age, sex, BMI and a known fracture, fitted on those whom the first run was
trained with: what a clinic knows without images, in place of FRAX, which nobody here computes.
VIEWS is the folder that `osteoscreen-lab train --keep` filled.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from lifelines import CoxPHFitter
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from engines.ct_multitask.model import PREDICTED
from engines.ct_multitask.recipe import TARGETS
from engines.ct_multitask.scanned import wanted
from engines.lab.cohort import (
    TRAIN,
    TUNE,
    Cohort,
    read_cohort,
    require_no_overlap,
    virtual_cohort,
)
from engines.lab.evaluation import Subject, measure
from engines.lab.survival import Statistic, auroc_at, c_index, gained, with_interval
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.hazard import fracture_free

Numbers = NDArray[np.float64]

HORIZON_YEARS = 5.0
#: Observation ends for all at five years: who got there is seen beyond the moment before.
MOMENTS = {2: 2.0, 3: 3.0, 5: HORIZON_YEARS - 0.001}
STATISTICS: dict[str, Statistic] = {"c-index": c_index} | {
    f"AUROC at {year} years": partial(auroc_at, year=at) for year, at in MOMENTS.items()
}
[(AT, TARGET)] = [(i, one) for i, one in enumerate(TARGETS) if one.finding == PREDICTED]


def clinical(rows: Any) -> Any:
    """Return what is known of patients without images."""
    known = rows[["age_years", "bmi_kg_m2"]].copy()
    known["male"] = (rows["sex"] == "M").astype(float)
    known["fracture before"] = rows["prior_fracture"].astype(float)
    return known


def clinical_risks(trained: Any, rows: Any) -> Numbers:
    """Fit on patients trained with, return the log of the risk of others."""
    table = clinical(trained).assign(
        years=trained["followed_years"], event=trained["fractured"].astype(int)
    )
    fitted = CoxPHFitter().fit(table, "years", "event")
    risks: Numbers = fitted.predict_log_partial_hazard(clinical(rows)).to_numpy(float)
    return risks


def true_risks(rows: Any) -> Numbers:
    """Return the risks that the events were drawn from."""
    people = [draw_person(int(seed)) for seed in rows["seed"]]
    return np.array([1 - fracture_free(one, HORIZON_YEARS) for one in people])


def risks_of(run: Path, cohort: Cohort, views: Path) -> tuple[Any, Numbers]:
    """Return the rows that were seen and a run's risks of them."""
    require_no_overlap(run / "cohort.csv", cohort)
    measured = measure(Subject("ct_multitask", run, views), cohort, Console(stderr=True))
    return measured.seen, measured.raw[:, AT]


def compared(risks: dict[str, Numbers], years: Numbers, events: NDArray[np.bool_]) -> Iterator[Any]:
    """Yield lines: whose, then each statistic and what it is above the first's."""
    first = next(iter(risks.values()))
    for name, one in risks.items():
        told = [str(with_interval(of, one, years, events)) for of in STATISTICS.values()]
        if one is not first:
            apart = [gained(of, (one, first), years, events) for of in STATISTICS.values()]
            told = [
                f"{told_one}\n{above.value:+.3f} ({above.low:+.3f} to {above.high:+.3f})"
                for told_one, above in zip(told, apart, strict=True)
            ]
        yield name, *told


def main(
    views: Annotated[Path, typer.Argument(file_okay=False)],
    runs: Annotated[list[Path], typer.Argument(exists=True, file_okay=False)],
    patients: int = 300,
    seed: int = 99,
) -> None:
    """Print the table."""
    cohort = virtual_cohort(patients, seed, wanted=wanted)
    risks: dict[str, Numbers] = {}
    for run in runs:
        seen, risks[run.name] = risks_of(run, cohort, views)
    trained = read_cohort(runs[0] / "cohort.csv").of(TRAIN, TUNE).rows
    risks["age, sex, BMI, fracture before"] = clinical_risks(trained, seen.rows)
    risks["the true risk"] = true_risks(seen.rows)
    assert TARGET.event is not None
    years, events = seen.labels[:, TARGET.label].astype(float), seen.labels[:, TARGET.event] > 0
    title = f"{len(seen.rows)} virtual patients, {int(events.sum())} fracture again"
    table = Table("risk", *STATISTICS, title=title)
    for line in compared(risks, years, events):
        table.add_row(*line)
    Console(width=160).print(table)


if __name__ == "__main__":
    typer.run(main)
