"""Train the LSTM on what a run's slice network makes of each visit, and add it to its weights.

``python -m engines.onfh_mri.course_recipe RUN COHORT.csv``, after ``osteoscreen-lab train``.
Rows of ``train`` teach, those of ``tune`` and ``test`` are scored. Progression is what the surface
of an ill head does until the next visit: it sinks by 0.5 mm or more. All of it is ours; the paper
states an LSTM and an AUC.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

from engines.cards import read_weights
from engines.exams import Exam
from engines.lab.build import Release, export, write_manifest
from engines.lab.cohort import TRAIN, read_cohort
from engines.lab.figures import auc
from engines.lab.loop import Examples, Inputs, Lesson, Logbook, Schedule, train
from engines.lab.recipes import recipe_of
from engines.lab.seeing import Look, Seen, see
from engines.onfh_mri.inputs import course_of
from engines.onfh_mri.model import (
    CARD,
    COURSE,
    COURSE_ENGINE,
    ENGINE,
    FEATURES,
    HIP,
    PROGRESSION,
)
from engines.onfh_mri.net import COURSE as COURSE_NUMBERS
from engines.onfh_mri.net import VISITS, CourseNet
from engines.runtime.loading import load

SINKS_MM: Final = 0.5
SCHEDULE: Final = Schedule(epochs=60, batch_size=32, learning_rate=5e-3, weight_decay=5e-2)
#: What the features of a training hip are blurred by, against their spread.
_NOISE = 0.3
_BATCH = 16


@dataclass(frozen=True)
class Courses:
    """Courses of ill hips, each to one of its visits that has a next one.

    Attributes
    ----------
    laid : ndarray
        float32, shape (course, VISITS, COURSE).
    sinks : ndarray
        float32, shape (course, 1): 1 where the surface sinks until the next visit.
    splits, patients : list of str
        Of each.
    """

    laid: NDArray[np.float32]
    sinks: NDArray[np.float32]
    splits: list[str]
    patients: list[str]

    def of(self, training: bool) -> NDArray[np.bool_]:
        """Return which belong to training, or to the others."""
        return np.array([(one == TRAIN) == training for one in self.splits], bool)


def courses_in(seen: Seen, features: NDArray[np.float32]) -> Courses:
    """Lay out the visits of each ill hip up to each that has a next one.

    Parameters
    ----------
    seen : Seen
        Rows of a cohort with ``visit``, ``StudyDate`` and the truth of virtual patients.
    features : ndarray
        float32, shape (example, FEATURES), of the same examples.
    """
    laid, sinks, splits, patients = [], [], [], []
    rows = seen.rows.reset_index(drop=True)
    for (patient, site), group in rows.groupby(["PatientID", "site"]):
        side = {"L": "left", "R": "right"}[site]
        depths = str(group[f"osteonecrosis_{side}_collapse_mm"].iloc[0]).split(";")
        if depths[0] in ("", "nan"):
            continue
        ordered = group.sort_values("visit")
        past: list[tuple[Any, Any]] = []
        for place, one in ordered.iterrows():
            day = date.fromisoformat(str(one["StudyDate"]))
            past.append((day, features[int(place)]))
            visit = int(float(one["visit"]))
            if visit + 1 < len(depths):
                laid.append(course_of(past, (VISITS, COURSE_NUMBERS)))
                sunk = float(depths[visit + 1]) - float(depths[visit])
                sinks.append([float(sunk >= SINKS_MM)])
                splits.append(str(one["split"]))
                patients.append(str(patient))
    return Courses(np.stack(laid), np.array(sinks, np.float32), splits, patients)


def loss(net: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
    """Score progression; labels float32, shape (N, 1)."""
    assert isinstance(net, CourseNet)
    return functional.binary_cross_entropy_with_logits(net.scored(inputs[COURSE]), labels)


def augment(inputs: Inputs, draw: torch.Generator) -> Inputs:
    """Blur features, and forget earlier visits at times, so that short courses are known too."""
    course = inputs[COURSE].clone()
    numbers = course[..., :-2]
    spread = numbers.std(dim=(0, 1), keepdim=True)
    noise = torch.randn(numbers.shape, generator=draw)
    course[..., :-2] = numbers + _NOISE * spread * noise * course[..., -1:]
    forget = torch.rand(len(course), generator=draw) < 0.2
    course[forget, :-1] = 0.0
    return {COURSE: course}


def add_course(run: Path, cohort: Path, kept: Path | None, console: Console) -> str:
    """Train, export, and write the manifest anew; return what was found, for people."""
    weights = read_weights(CARD.model, run)
    rows = read_cohort(cohort)
    seen = see(rows, Look(Exam.HIP_MRI, recipe_of(CARD.model), weights.parameters, kept), console)
    slices = load(weights.folder / weights.engines[ENGINE][0])
    hips = seen.arrays[HIP]
    features = np.concatenate(
        [
            slices({HIP: hips[at : at + _BATCH].astype(np.float32)})[FEATURES]
            for at in range(0, len(hips), _BATCH)
        ]
    )
    courses = courses_in(seen, features)
    taught = courses.of(True)
    examples = Examples({COURSE: courses.laid[taught]}, courses.sinks[taught])
    lesson = Lesson(CourseNet, augment, loss)
    net, _ = train(lesson, examples, SCHEDULE, Logbook(console, run / "nets" / COURSE_ENGINE))
    file = weights.folder / f"{COURSE_ENGINE}.onnx"
    export(net, {COURSE: courses.laid[:4]}, (PROGRESSION,), file)
    told = _told(courses, load(file)({COURSE: courses.laid})[PROGRESSION])
    files = {name: weights.folder / one for name, (one, _) in weights.engines.items()}
    release = Release(
        model=weights.model,
        version=weights.version,
        training=f"{weights.training.split('; progression')[0]}; progression: {told}",
        trained_on=weights.trained_on,
        operating_points=weights.operating_points,
        parameters={**weights.parameters, "course": [VISITS, COURSE_NUMBERS]},
    )
    write_manifest(release, files | {COURSE_ENGINE: file}, weights.folder)
    return told


def _told(courses: Courses, scores: NDArray[np.float32]) -> str:
    taught, held = courses.of(True), courses.of(False)
    sinks = courses.sinks[:, 0] > 0
    found = f"{int(taught.sum())} courses of ill hips ({int(sinks[taught].sum())} sink)"
    if len(set(sinks[held].tolist())) < 2:
        return found
    figure = auc(scores[held, 0].astype(np.float64), sinks[held])
    return f"{found}; on {int(held.sum())} others AUC {figure}"


def main(
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    cohort: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    keep: Annotated[Path | None, typer.Option(file_okay=False)] = None,
) -> None:
    """Train the LSTM of a run."""
    typer.echo(add_course(run, cohort, keep, Console(stderr=True)))


if __name__ == "__main__":
    typer.run(main)
