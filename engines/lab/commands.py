"""The commands of `osteoscreen-lab` that train and measure; the work is in modules of their own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engines.lab.consoles import notes, results
from engines.rules import Measuring

if TYPE_CHECKING:
    from engines.lab.cohort import Cohort
    from engines.lab.evaluation import Subject

app = typer.Typer()

KeptFilms = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="Folder where what is looked at is kept, so that the same command goes on after a "
        "break. Use another one for another model, or after an update.",
    ),
]
CohortFile = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Table of a cohort, CSV or Parquet; else virtual patients are made.",
    ),
]


cohorts = typer.Typer(no_args_is_help=True, help="Make the table that a model is trained on.")
app.add_typer(cohorts, name="cohort")


@cohorts.command()
def build(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="DICOM files, in any order.")
    ],
    dxa: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="CSV with PatientID, dxa_date and any of t_spine, t_neck, t_hip.",
        ),
    ],
    out: Annotated[Path, typer.Option(dir_okay=False, help="The table, .csv or .parquet.")],
    window_days: Annotated[
        int, typer.Option(min=0, help="How far apart image and DXA may be, either way.")
    ] = 180,
    tune: Annotated[float, typer.Option(min=0, max=0.9, help="Share for thresholds.")] = 0.2,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share kept for evaluation.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Of the split, which is by patients.")] = 0,
) -> None:
    """Pair a hospital's images with its DXA results; say who was left out and why.

    Beside OUT lies OUT's name with `.left_out.csv`.

    Example: `osteoscreen-lab cohort build ~/films --dxa dxa.csv --out cohort.csv`
    """
    from engines.lab.archive import build_cohort
    from engines.lab.cohort import with_splits, write_cohort
    from engines.lab.cohort_table import cohort_table
    from engines.lab.dxa import read_dxa

    found = build_cohort(folder, read_dxa(dxa), out, window_days)
    if not len(found.cohort.rows):
        notes().print(cohort_table(found))
        raise typer.BadParameter("no study has a DXA; see above", param_hint="FOLDER")
    split = with_splits(found.cohort, seed, tune, test)
    write_cohort(split, out)
    found.left_out.to_csv(out.with_suffix(".left_out.csv"), index=False)
    results().print(cohort_table(found))
    typer.echo(out)


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="E.g. `cxr_osporscreen`.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="The run's folder.")],
    cohort: CohortFile = None,
    config: Annotated[
        str, typer.Option(help="`reference`, a small net; or `paper`, of the paper's size.")
    ] = "reference",
    folds: Annotated[
        int, typer.Option(min=0, max=20, help="Cross-validate by patients; 0: do not.")
    ] = 0,
    patients: Annotated[int, typer.Option(min=16, help="How many virtual patients.")] = 4000,
    seed: Annotated[int, typer.Option(min=0, help="Of patients, net and order.")] = 0,
    keep: KeptFilms = None,
) -> None:
    """Train a model on a cohort or on virtual patients; needs the extra `lab` (torch).

    The same command goes on where it was broken off. Weights are in OUT/MODEL.

    Example: `osteoscreen-lab train cxr_osporscreen --patients 4000 --seed 1 --out weights`
    """
    from engines.lab.cohort import read_cohort, virtual_cohort, with_splits
    from engines.lab.evaluation_table import evaluation_table
    from engines.lab.recipes import recipe_of
    from engines.lab.runs import Order, train_run

    _require_model(model)
    _require_learned(model)
    if config not in recipe_of(model).CONFIGS:
        known = ", ".join(recipe_of(model).CONFIGS)
        raise typer.BadParameter(f"{model} has: {known}", param_hint="--config")
    command = f"osteoscreen-lab train {model}"
    if cohort:
        group = with_splits(read_cohort(cohort), seed)
        command += f" --cohort {cohort.name}"
    else:
        # a third as many others, whom training never sees, set the threshold
        wanted = recipe_of(model).FILMING.wanted
        group = virtual_cohort(patients, seed, max(8, patients // 3), wanted)
        command += f" --patients {patients}"
    order = Order(model, group, config, seed, folds, _told(command, config, folds, seed))
    for found in train_run(order, out, notes(), keep):
        title = f"{model}: patients who set the threshold of {found.finding}"
        results().print(evaluation_table(title, found, group.simulated))
    _print_own_scores(model, out)
    typer.echo(out / model)


def _print_own_scores(model: str, run: Path) -> None:
    """Compare a run's scores of one truth, such as film, clinical values and both fused."""
    from engines.lab.cohort import pandas
    from engines.lab.comparison import compare_scores, comparison_table
    from engines.lab.recipes import recipe_of

    first, *others = recipe_of(model).TARGETS
    alike = [first.finding, *(one.finding for one in others if one.label == first.label)]
    if len(alike) > 1:
        found = compare_scores(pandas().read_csv(run / "scores.csv"), alike)
        results().print(comparison_table(f"{model}: its scores on the same patients", found))


def _told(command: str, config: str, folds: int, seed: int) -> str:
    told = command + (f" --config {config}" if config != "reference" else "")
    return told + (f" --folds {folds}" if folds else "") + f" --seed {seed}"


@app.command()
def evaluate(
    subject: Annotated[
        str, typer.Argument(metavar="RUN|MODEL", help="A run's folder, or e.g. `cxr_osporscreen`.")
    ],
    cohort: CohortFile = None,
    patients: Annotated[int, typer.Option(min=16, help="How many virtual patients.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="One the weights were not trained with.")] = 99,
    weights: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Weights of yours; else the reference's."),
    ] = None,
    keep: KeptFilms = None,
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="One HTML file with charts and tables.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="The site's osteoscreen.toml: how it measures CTs (ct_...); else the defaults.",
        ),
    ] = None,
) -> None:
    """Measure a run's weights, or a model's, on a cohort or on virtual patients.

    Figures on virtual patients say nothing about real ones. `ct_attenuation` has no weights: what
    it measures is held against the lowest T-score of a row, and against its `l1_reference_hu`.

    Example: `osteoscreen-lab evaluate cxr_osporscreen --patients 1000 --seed 99`
    """
    from engines.lab.evaluation import measure
    from engines.lab.evaluation_table import evaluation_table, unjudged

    whose = _subject(subject, weights, keep, settings)
    group = _cohort(cohort, patients, seed, whose)
    measured = measure(whose, group, notes())
    notes().print(unjudged(measured))
    for found in measured.evaluations():
        title = f"{whose.model}: {found.finding}, {group.name}"
        results().print(evaluation_table(title, found, group.simulated))
    if report:
        from engines.lab.report import write_report

        write_report(report, measured, group.name, group.simulated)
        typer.echo(report)


@app.command()
def calibrate(
    subject: Annotated[
        str, typer.Argument(metavar="RUN|MODEL", help="A run's folder, or e.g. `cxr_osporscreen`.")
    ],
    cohort: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Your own patients.")],
    out: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="For the setting `weights`; else the run itself."),
    ] = None,
    aim: Annotated[
        str, typer.Option(help="sensitivity, specificity, ppv or flag-rate.")
    ] = "sensitivity",
    wanted: Annotated[float, typer.Option(min=0.01, max=0.999, help="Of the aim.")] = 0.9,
    method: Annotated[
        str, typer.Option(help="platt, isotonic (hundreds of patients), or none.")
    ] = "platt",
    by_sex: Annotated[bool, typer.Option("--by-sex", help="A threshold for each sex.")] = False,
    age_edges: Annotated[
        str, typer.Option(help="A threshold for each age band, e.g. `65,75`.")
    ] = "",
    keep: KeptFilms = None,
) -> None:
    """Set thresholds on a site's own patients, and make probabilities of scores there.

    Nothing is trained: the networks stay as they are. Weights with a version of their own are in
    OUT/MODEL, or in RUN/MODEL, from where `export` takes them.

    Example: `osteoscreen-lab calibrate RUN --cohort ours.csv --by-sex`
    """
    from engines.lab.aims import AIMS
    from engines.lab.evaluation import measure
    from engines.lab.evaluation_table import local_table
    from engines.lab.local_weights import Wish, calibrate
    from engines.operating_points import METHODS

    if aim not in AIMS:
        raise typer.BadParameter(f"one of {', '.join(AIMS)}", param_hint="--aim")
    if method not in (*METHODS, "none"):
        raise typer.BadParameter(f"one of {', '.join(METHODS)}, none", param_hint="--method")
    try:
        edges = tuple(sorted(float(edge) for edge in age_edges.split(",") if edge.strip()))
    except ValueError as error:
        raise typer.BadParameter("numbers with commas", param_hint="--age-edges") from error
    whose = _subject(subject, None, keep)
    _require_learned(whose.model)
    home = out or whose.root
    if home is None:
        raise typer.BadParameter("say where to: no run was named", param_hint="--out")
    local = _cohort(cohort, 0, 0, whose)
    measured = measure(whose, local, notes())
    wish = Wish(aim, wanted, method, by_sex, edges)
    for found in calibrate(measured, wish, local.name, home):
        results().print(local_table(found))
    typer.echo(home / whose.model)


@app.command()
def compare(
    subjects: Annotated[
        list[str],
        typer.Argument(metavar="RUN|MODEL...", help="The first is what others are held against."),
    ],
    finding: Annotated[str, typer.Option(help="On what.")] = "osteoporosis",
    cohort: CohortFile = None,
    patients: Annotated[int, typer.Option(min=16, help="How many virtual patients.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="One no weights were trained with.")] = 99,
    keep: KeptFilms = None,
) -> None:
    """Compare runs on the same patients: paired DeLong test, and a bootstrap by patients.

    Example: `osteoscreen-lab compare image-only multimodal --cohort ours.csv`
    """
    from engines.lab.comparison import compare, comparison_table
    from engines.lab.evaluation import measure

    if len(subjects) < 2:
        raise typer.BadParameter("name two or more", param_hint="RUN|MODEL")
    all_of_them = [_subject(subject, None, keep) for subject in subjects]
    group = _cohort(cohort, patients, seed, all_of_them[0])
    runs = []
    for subject, whose in zip(subjects, all_of_them, strict=True):
        _require_strangers(whose.root, group)
        runs.append((subject, measure(whose, group, notes())))
    results().print(comparison_table(f"{finding}: {group.name}", compare(finding, runs)))


@app.command()
def export(
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A run's folder.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="For the setting `weights`.")],
) -> None:
    """Write a run's networks as ONNX again, batch size free, checked against torch.

    `train` has done so already, into RUN/MODEL.

    Example: `osteoscreen-lab export RUN --out weights`
    """
    from engines.lab.exporting import export_run

    for found in export_run(run, out):
        typer.echo(f"{found.file}: opset {found.opset}, {found.megabytes:.1f} MB")


@app.command()
def card(
    subject: Annotated[
        str, typer.Argument(metavar="RUN|MODEL", help="A run's folder, or e.g. `cxr_osporscreen`.")
    ],
    weights: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Weights of yours; else the reference's."),
    ] = None,
    cohort: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="To be measured on as well.")
    ] = None,
) -> None:
    """Print a model's card in Markdown: whom it is for, whose figures are whose.

    Example: `osteoscreen-lab card RUN --cohort ours.csv > README.md`
    """
    from engines.cards import read_weights
    from engines.catalog import named
    from engines.lab.card_page import card_page
    from engines.lab.evaluation import measure

    whose = _subject(subject, weights)
    figures = []
    if cohort:
        group = _cohort(cohort, 0, 0, whose)
        measured = measure(whose, group, notes())
        figures = [(group.name, group.simulated, one) for one in measured.evaluations()]
    typer.echo(card_page(named(whose.model).CARD, read_weights(whose.model, whose.root), figures))


def _subject(
    subject: str, weights: Path | None, keep: Path | None = None, settings: Path | None = None
) -> "Subject":
    """Return whose figures are wanted, of a run or of a name; a run keeps what was looked at."""
    from engines.lab.evaluation import Subject
    from engines.lab.runs import order_of
    from engines.lab.site_settings import read_measuring

    run = Path(subject)
    if (run / "run.json").exists():
        return Subject(order_of(run)["model"], run, keep or run / "sights")
    _require_model(subject)
    try:
        measuring = read_measuring(settings) if settings else Measuring()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--settings") from error
    return Subject(subject, weights, keep, measuring)


def _cohort(file: Path | None, patients: int, seed: int, whose: "Subject") -> "Cohort":
    """Return whom to measure weights on; those of a run were trained on none of them."""
    from engines.lab.cohort import TEST, read_cohort, virtual_cohort
    from engines.lab.recipes import recipe_of

    if file is None:
        cohort = virtual_cohort(patients, seed, wanted=recipe_of(whose.model).FILMING.wanted)
    else:
        cohort = read_cohort(file)
    # where a table says who is for testing, nobody else is measured
    if file and "split" in cohort.rows and bool((cohort.rows["split"] == TEST).any()):
        cohort = cohort.of(TEST)
    _require_strangers(whose.root, cohort)
    return cohort


def _require_strangers(root: Path | None, cohort: "Cohort") -> None:
    from engines.lab.cohort import require_no_overlap

    if root and (root / "run.json").exists():
        require_no_overlap(root / "cohort.csv", cohort)


def _require_learned(model: str) -> None:
    from engines.cards import TrainedOn, read_weights

    if read_weights(model).trained_on is TrainedOn.NOTHING:
        raise typer.BadParameter(f"{model} is measured, not learned: evaluate it instead")


def _require_model(name: str) -> None:
    from engines.catalog import MODELS

    if name not in {model.CARD.model for model in MODELS}:
        known = ", ".join(model.CARD.model for model in MODELS)
        raise typer.BadParameter(f"no model of that name; there are: {known}")
