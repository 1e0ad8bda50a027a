"""The commands of `osteoscreen-lab` that ask one question of a model; the work is in modules."""

from pathlib import Path
from typing import Annotated

import typer

from engines.lab.consoles import notes, results

app = typer.Typer()


@app.command()
def shift(
    model: Annotated[str, typer.Argument(help="One that reads films, e.g. `cxr_osporscreen`.")],
    patients: Annotated[int, typer.Option(min=1, help="How many virtual patients.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="One the weights were not trained with.")] = 99,
    weights: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Weights of yours; else the reference's."),
    ] = None,
) -> None:
    """Film virtual patients again with one thing changed, and tell how far scores drift.

    Changed are kV, dose, processing, the film's turn and edges, bits and compression. Some ten
    seconds a patient.

    Example: `osteoscreen-lab shift cxr_osporscreen --patients 24`
    """
    from engines.lab.shift import FILMED, Shifter, drift_table, drifts

    if model not in FILMED:
        raise typer.BadParameter(f"one of {', '.join(FILMED)}", param_hint="MODEL")
    found = drifts(Shifter(model, weights), patients, seed, notes())
    results().print(drift_table(f"{model}: {patients} virtual patients of seed {seed}", found))


@app.command()
def substudy(
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the runs.")],
    sizes: Annotated[str, typer.Option(help="Input sizes, pixels.")] = "128,192,256",
    regions: Annotated[str, typer.Option(help="Parts of the film.")] = "whole,spine,lower-chest",
    cohort: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Table of a cohort; else virtual patients."),
    ] = None,
    patients: Annotated[int, typer.Option(min=16, help="How many virtual patients.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Of patients, nets and order.")] = 0,
) -> None:
    """Train `cxr_osporscreen` at each input size on each part of the film, and compare.

    As in Jang 2022: all are trained on the same patients and measured on the same others. The
    table is also OUT/substudy.csv. The same command goes on where it was broken off.

    Example: `osteoscreen-lab substudy --out RUNS --sizes 128,256 --regions whole,spine`
    """
    from engines.cxr_osporscreen.inputs import REGIONS
    from engines.lab.comparison import comparison_table
    from engines.lab.substudy import Grid, compare_inputs, groups

    wanted = tuple(part.strip() for part in regions.split(","))
    if unknown := set(wanted) - set(REGIONS):
        known = f"{', '.join(unknown)}; there are: {', '.join(REGIONS)}"
        raise typer.BadParameter(f"no region {known}", param_hint="--regions")
    try:
        grid = Grid(tuple(int(size) for size in sizes.split(",")), wanted)
    except ValueError as error:
        raise typer.BadParameter("whole numbers with commas", param_hint="--sizes") from error
    taught, held = groups(cohort, patients, seed)
    found = compare_inputs(grid, (taught, held), out, seed, notes())
    results().print(comparison_table(f"osteoporosis, by size and region: {held.name}", found))
    typer.echo(out / "substudy.csv")
