"""Which input size and which part of a film: Jang 2022's substudy, all else being equal."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from rich.console import Console

from engines.cxr_osporscreen.card import CARD
from engines.lab.cohort import TEST, TRAIN, TUNE, Cohort, read_cohort, virtual_cohort, with_splits
from engines.lab.comparison import Compared, compare
from engines.lab.evaluation import Measured, Subject, measure
from engines.lab.runs import Order, train_run

_FINDING = "osteoporosis"


@dataclass(frozen=True)
class Grid:
    """What is crossed.

    Attributes
    ----------
    sizes_px : tuple of int
        Sides of the network's input.
    regions : tuple of str
        Names in :data:`engines.cxr_osporscreen.inputs.REGIONS`.
    """

    sizes_px: tuple[int, ...]
    regions: tuple[str, ...]


def groups(table: Path | None, patients: int, seed: int) -> tuple[Cohort, Cohort]:
    """Return who is trained on, thresholds included, and who is measured.

    Parameters
    ----------
    table : Path or None
        A cohort; patients without a split are split 60:20:20. None for virtual patients, of whom
        half as many others are measured.
    patients, seed : int
        Of virtual ones; the seed splits a table, too.
    """
    if table is None:
        taught = virtual_cohort(patients, seed, max(8, patients // 3))
        return taught, virtual_cohort(max(16, patients // 2), seed + 1)
    whole = with_splits(read_cohort(table), seed, 0.2, 0.2)
    return whole.of(TRAIN, TUNE), whole.of(TEST)


def compare_inputs(
    grid: Grid, cohorts: tuple[Cohort, Cohort], out: Path, seed: int, console: Console
) -> list[Compared]:
    """Train and measure each combination; each is held against the first.

    Parameters
    ----------
    grid : Grid
        What is crossed.
    cohorts : (Cohort, Cohort)
        From :func:`groups`.
    out : Path
        Gets a run for each combination, the films as they were read, and ``substudy.csv``.
    seed : int
        Of nets and order.
    console : Console
        Where progress is shown.
    """
    taught, held = cohorts
    kept = out / "sights"
    runs: list[tuple[str, Measured]] = []
    for region, size_px in product(grid.regions, grid.sizes_px):
        changed = {"input_size_px": size_px, "region": region}
        run = out / f"{region}-{size_px}"
        command = f"osteoscreen-lab substudy --sizes {size_px} --regions {region} --seed {seed}"
        order = Order(CARD.model, taught, seed=seed, command=command, changed=changed)
        train_run(order, run, console, kept)
        runs.append(
            (f"{region}, {size_px} px", measure(Subject(CARD.model, run, kept), held, console))
        )
    found = compare(_FINDING, runs)
    _write(out / "substudy.csv", list(product(grid.regions, grid.sizes_px)), found)
    return found


def _write(file: Path, crossed: Sequence[tuple[str, int]], found: Sequence[Compared]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["region", "input_size_px", "cases", "auc", "low", "high"])
        for (region, size_px), one in zip(crossed, found, strict=True):
            area = one.auc
            table.writerow([region, size_px, one.cases, area.value, area.low, area.high])
