"""A model of one line that measures CTs, for tests of how a study's series is chosen.

It fails as a model does that finds no spine: where the picture is empty.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.uid import generate_uid
from slices import ct_stack, ramp_hu

from engines.cards import Card, TrainedOn, Weights
from engines.cases import Case
from engines.eligibility import require_age
from engines.errors import BadSeries, Reason
from engines.exams import Exam
from engines.findings import Measurement, Result
from engines.runtime import Run
from engines.volume import read_volume

NAME = "mean_ct"
CARD = Card(NAME, "Mean of a CT", Exam.ABDOMEN_CT, "None.", (), ())
HOOK = """
import sys
if {"intake", "screen", "alone"} & set(sys.orig_argv):
    import ct_studies
    from engines import catalog
    catalog.MODELS = (ct_studies,)
"""


def eligible(case: Case) -> None:
    require_age(case)


def screen(case: Case, run: Run, weights: Weights) -> Result:
    hu = read_volume(case.images).hu
    if np.nanmax(hu) == np.nanmin(hu):
        raise BadSeries(Reason.SPINE_NOT_FOUND, "an empty picture")
    mean = round(float(np.nanmean(hu)), 1)
    return Result(
        NAME,
        weights.version,
        measurements=(Measurement("trabecular attenuation", "L1", mean, "[hnsf'U]"),),
    )


def write_manifest(folder: Path) -> Path:
    """Write the model's manifest where a site keeps its own; return that folder."""
    (folder / NAME).mkdir(parents=True)
    manifest = {
        "model": NAME,
        "version": "1.0.0",
        "trained_on": TrainedOn.NOTHING,
        "training": "None.",
        "operating_points": {},
        "engines": {},
        "parameters": {},
    }
    (folder / NAME / "manifest.json").write_text(json.dumps(manifest))
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Return the environment in which the processes of a site have this model alone."""
    (folder / "hooks").mkdir(parents=True)
    (folder / "hooks" / "sitecustomize.py").write_text(HOOK)
    tests = Path(__file__).parent
    paths = [folder / "hooks", tests, tests.parent, os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(str(path) for path in paths if path),
        "OSTEOSCREEN_WEIGHTS": str(write_manifest(folder / "weights")),
    }


def ct_series(study: str, number: int, count: int = 10, empty: bool = False, **header: Any):
    """Return a small axial series of a woman of 66, in a soft kernel unless told otherwise."""
    picture = (lambda points: points[..., 0] * 0) if empty else ramp_hu
    slices = ct_stack(picture, count, shape=(8, 8))
    series_uid = f"{study}.{number}"
    for n, ds in enumerate(slices, 1):
        ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series_uid
        ds.SOPInstanceUID = f"{series_uid}.{n}"
        ds.PatientName, ds.PatientID, ds.PatientSex = "Wachholder^Philomena", "PHI-4711", "F"
        ds.PatientAge, ds.PatientBirthDate = "066Y", ""
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20261101", "101500", "1", "A1"
        ds.ReferringPhysicianName, ds.BodyPartExamined = "", "ABDOMEN"
        ds.SeriesNumber, ds.InstanceNumber, ds.ConvolutionKernel = number, n, "STANDARD"
        ds.FrameOfReferenceUID = study
        for keyword, value in header.items():
            setattr(ds, keyword, value)
    return slices


def ct_study(study: str = "") -> tuple[str, dict[str, list[Dataset]]]:
    """Return a study: a scout, native and venous soft series, lung kernel, a coronal reformat."""
    study = study or generate_uid(prefix="1.2.826.0.1.")[:40].rstrip(".")
    kinds: dict[str, dict[str, Any]] = {
        "scout": {"count": 2, "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        "venous": {"SeriesDescription": "Abd ven"},
        "native": {"SeriesDescription": "Abd nativ"},
        "lung": {"ConvolutionKernel": "LUNG"},
        "reformat": {"ImageType": ["DERIVED", "SECONDARY", "MPR"]},
    }
    return study, {
        name: ct_series(study, n, **how) for n, (name, how) in enumerate(kinds.items(), 1)
    }


def mixed(series: Iterable[Sequence[Dataset]]) -> list[Dataset]:
    """Return the slices of several series, one of each in turn."""
    found = [list(some) for some in series]
    longest = max(map(len, found))
    return [some[n] for n in range(longest) for some in found if n < len(some)]
