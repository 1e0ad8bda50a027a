"""`osteoscreen-lab`: the researcher's command; files in, findings out, no daemon and no network."""

import json
import logging
import sys
import warnings
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track

from engines.lab import commands, engine_commands, study_commands
from engines.lab.consoles import notes, results
from engines.phantoms.dicom.flaws import Flaw
from engines.phantoms.nuisances import Nuisance
from engines.phantoms.people.population import Clinic
from engines.product import PRODUCT, VERSION

if TYPE_CHECKING:
    from engines.catalog import Model
    from engines.clinical_table import ClinicalTable

app = typer.Typer(
    name=f"{PRODUCT}-lab",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="Screen DICOM files for bone loss on this machine: no daemon, no PACS, no network.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PRODUCT} {VERSION}")
        raise typer.Exit


@app.callback()
def lab(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Screen DICOM files for bone loss on this machine: no daemon, no PACS, no network."""


# Commands: one function each, with its work in a module of its own, imported inside the function
# so that `--help` answers at once and `screen` never loads what only training needs.


@app.command()
def screen(
    paths: Annotated[
        list[Path], typer.Argument(exists=True, help="DICOM files, or folders of them.")
    ],
    model: Annotated[
        str | None, typer.Option(help="Only this model, e.g. `cxr_osporscreen`; else all.")
    ] = None,
    clinical: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="CSV with age_years, sex, height_m, weight_kg by StudyInstanceUID, "
            "AccessionNumber or PatientID; fills what the headers lack.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Weights of yours; else the reference's."),
    ] = None,
    min_age: Annotated[
        int, typer.Option(min=0, max=120, help="Youngest patient to screen, years.")
    ] = 50,
    accept_derived_primary: Annotated[
        bool,
        typer.Option(
            "--accept-derived-primary",
            help="Screen films that say DERIVED\\PRIMARY, as devices do for their own processing.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")
    ] = False,
) -> None:
    """Screen DICOM files: classify each series, check that it is eligible, run its models.

    Every series gets an answer: a score against its threshold, or the reason why there is none. A
    film that is not flagged is not a normal film.

    Example: `osteoscreen-lab screen ~/films --clinical ages.csv --json > results.json`
    """
    from engines.lab.screening_table import series_table
    from engines.rules import Rules
    from engines.screening import Screener, files_in, group
    from engines.screening_studies import screen_all

    _quieten_pydicom()
    table = _clinical_table(clinical)
    screener = Screener(
        models=_chosen(model),
        rules=Rules(min_age, accept_derived_primary),
        supplied=table.find if table else lambda _: None,
        own=weights,
    )
    console = notes()
    found = files_in(paths)
    if not found:
        raise typer.BadParameter("no files there", param_hint="PATHS")
    files = track(found, "Reading headers", console=console, transient=True)
    series = group(files)
    looks = screen_all(screener, series)
    screened = list(track(looks, "Screening", len(series), console=console, transient=True))
    if as_json:
        typer.echo(json.dumps({"series": screened}, indent=2, allow_nan=False))
    else:
        results().print(series_table(screened))


@app.command()
def phantom(
    out: Annotated[Path, typer.Argument(file_okay=False, help="Folder; made if need be.")],
    patients: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other patients.")] = 0,
    exams: Annotated[
        str,
        typer.Option(
            help="Which of cxr, hip, ct, mri, with commas between. The last two take a minute or "
            "more a patient."
        ),
    ] = "cxr,hip",
    cohort: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Where the table of truth goes; else `OUT/cohort.csv`. Parquet lies beside it "
            "where pyarrow is installed.",
        ),
    ] = None,
    flaw: Annotated[
        list[Flaw] | None,
        typer.Option(help="A fault of real archives in every study; may be given again."),
    ] = None,
    nuisance: Annotated[
        list[Nuisance] | None,
        typer.Option(help="What is in every picture; may be given again."),
    ] = None,
    film_px: Annotated[
        int, typer.Option(min=128, max=4096, help="Longer side of a radiograph, pixels.")
    ] = 2048,
    clinic: Annotated[
        Clinic | None,
        typer.Option(
            help="Where all patients come from: in the hip clinic half have osteonecrosis, and "
            "hips are imaged at up to four visits. Else hip-clinic with mri among the exams, "
            "screening without."
        ),
    ] = None,
) -> None:
    """Make virtual patients: DICOM studies of each, and a table with all that is true of them.

    What is there already is left as it is, so the same command goes on after a kill, and adds
    patients or exams. Files: `OUT/PatientID/exam-date/series/image.dcm`. A patient is one body in
    all exams, so a folder's patients come from one clinic; to add mri to patients from screening,
    say `--clinic screening`.

    Example: `osteoscreen-lab phantom patients --patients 50 --seed 7 --exams cxr,hip`
    """
    from engines.lab.phantoms import wanted_exams
    from engines.phantoms.exams import Setting
    from engines.phantoms.studies import Order, OtherOrder, write_cohort

    setting = Setting(frozenset(flaw or ()), film_px, nuisances=frozenset(nuisance or ()))
    order = Order(patients, seed, wanted_exams(exams), setting, clinic)
    try:
        typer.echo(write_cohort(out, order, notes(), cohort))
    except OtherOrder as error:
        raise typer.BadParameter(str(error), param_hint="OUT") from error


app.add_typer(commands.app)
app.add_typer(engine_commands.app)
app.add_typer(study_commands.app)


def _chosen(name: str | None) -> "tuple[Model, ...]":
    from engines.catalog import MODELS, named

    if name is None:
        return MODELS
    try:
        return (named(name),)
    except KeyError as error:
        known = ", ".join(model.CARD.model for model in MODELS)
        raise typer.BadParameter(f"no model of that name; there are: {known}") from error


def _clinical_table(path: Path | None) -> "ClinicalTable | None":
    from engines.clinical_table import ClinicalTableError, read_clinical_table

    try:
        return read_clinical_table(path) if path else None
    except ClinicalTableError as error:
        raise typer.BadParameter(str(error), param_hint="--clinical") from error


def _quieten_pydicom() -> None:
    """Keep pydicom's remarks off the screen: they quote header values, which may name people."""
    warnings.filterwarnings("ignore", module="pydicom")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)


def main() -> None:
    """Run the command line; an error ends in one line for a human."""
    if isinstance(sys.stdout, TextIOWrapper):
        # a table must not end in an error where the output cannot hold a sign of it
        sys.stdout.reconfigure(errors="replace")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the edge to a human: one line, no traceback
        notes().print(f"{type(error).__name__}: {error}", style="red", markup=False)
        sys.exit(1)
