"""Make the reference weights anew: film virtual hips, train the slice network, then the LSTM.

``python -m engines.onfh_mri.rebuild OUT`` goes on where it was broken off; weights are in
``OUT/run/onfh_mri``.
"""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from engines.lab.cohort import TRAIN, TUNE, Cohort, pandas, read_cohort, write_cohort
from engines.lab.runs import Order, train_run
from engines.onfh_mri.course_recipe import add_course
from engines.onfh_mri.films import write_films
from engines.onfh_mri.model import CARD

#: Of the patients of each split, who are others, and of the nets.
_SEEDS: Final = {TRAIN: 1, TUNE: 2}
_NET_SEED: Final = 1


def filmed(films: Path, patients: dict[str, int], console: Console) -> Path:
    """Film the patients of each split into one cohort.

    Returns
    -------
    Path
        ``films/cohort.csv``.
    """
    tables: list[Any] = [
        read_cohort(write_films(films, number, _SEEDS[split], split, console)).rows
        for split, number in patients.items()
    ]
    file = films / "cohort.csv"
    write_cohort(Cohort(pandas().concat(tables), films, file.name), file)
    return file


def main(
    out: Annotated[Path, typer.Argument(file_okay=False)],
    patients: Annotated[int, typer.Option(min=4, help="Who are trained on.")] = 140,
    tuning: Annotated[int, typer.Option(min=2, help="Who set the threshold.")] = 36,
    config: Annotated[str, typer.Option(help="One of the recipe's.")] = "reference",
) -> None:
    """Film, train and export; needs the extra `lab` (torch)."""
    console = Console(stderr=True)
    table = filmed(out / "films", {TRAIN: patients, TUNE: tuning}, console)
    command = f"python -m engines.onfh_mri.rebuild --patients {patients} --tuning {tuning}"
    if config != "reference":
        command += f" --config {config}"
    run, cohort = out / "run", read_cohort(table)
    train_run(Order(CARD.model, cohort, config, _NET_SEED, command=command), run, console)
    typer.echo(add_course(run, table, run / "sights", console))
    typer.echo(run / CARD.model)


if __name__ == "__main__":
    typer.run(main)
