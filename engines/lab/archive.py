"""A cohort from a hospital's own folder of DICOM files and its DXA results."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.cases import Clinical, read_clinical
from engines.exams import classify, own_result
from engines.header import text
from engines.lab.camera import NEXT, clinical_of, known
from engines.lab.cohort import Cohort, pandas
from engines.lab.dxa import Dxa, day, nearest
from engines.phantoms.people.person import OSTEOPOROSIS_T
from engines.screening import SeriesFiles, files_in, group
from engines.views import view_of


@dataclass(frozen=True)
class Found:
    """What a folder gave.

    Attributes
    ----------
    cohort : Cohort
        One row a study and exam.
    left_out : DataFrame
        ``StudyInstanceUID``, ``exam``, ``reason``: who is not in it and why.
    """

    cohort: Cohort
    left_out: Any

    def reasons(self) -> Mapping[str, int]:
        """Return how many were left out for each reason, the most frequent first."""
        return dict(Counter(self.left_out["reason"]).most_common())


def build_cohort(
    folder: Path, dxa: Mapping[str, list[Dxa]], table: Path, window_days: int = 180
) -> Found:
    """Pair every study of a folder with the DXA that is nearest to it.

    Parameters
    ----------
    folder : Path
        DICOM files in any order of folders.
    dxa : mapping of str to list of Dxa
        By PatientID.
    table : Path
        Where the cohort will lie: paths are relative to its folder.
    window_days : int
        How far apart study and DXA may be, either way. OPSCAN and its like take 180.
    """
    rows, left_out = [], []
    studies = _studies(group(files_in([folder])))
    shared = _shared_folders(studies)
    for (study, exam), series in studies.items():
        header = _header(series)
        found = _pair(header, exam, dxa, window_days)
        if isinstance(found, str):
            left_out.append({"StudyInstanceUID": study, "exam": exam, "reason": found})
            continue
        path = _path(series, shared, table.parent)
        rows.append({**header, "exam": exam, "path": path, **_labels(header, found)})
    frame = pandas().DataFrame
    cohort = Cohort(frame(rows), table.parent, table.name)
    return Found(cohort, frame(left_out, columns=["StudyInstanceUID", "exam", "reason"]))


Studies = dict[tuple[str, str], list[SeriesFiles]]


def _studies(found: Sequence[SeriesFiles]) -> Studies:
    studies: Studies = {}
    for one in found:
        exam = None if one.verdict or any(map(own_result, one.headers)) else classify(one.headers)
        studies.setdefault((one.StudyInstanceUID or "", str(exam or "")), []).append(one)
    # a study's localizers and reports are no reason to leave it out
    read = {study for study, exam in studies if exam}
    return {key: series for key, series in studies.items() if key[1] or key[0] not in read}


def _header(series: Sequence[SeriesFiles]) -> dict[str, Any]:
    """Return what the headers say of a study, values that contradict each other left out."""
    headers = [ds for one in series for ds in one.headers]
    if not headers:
        return {}
    clinical, first = read_clinical(headers), headers[0]
    views = sorted({view_of(ds) or "" for ds in headers} - {""})
    return {
        "PatientID": text(first, "PatientID"),
        "StudyInstanceUID": text(first, "StudyInstanceUID"),
        "StudyDate": text(first, "StudyDate"),
        **_values(clinical),
        "Manufacturer": text(first, "Manufacturer"),
        "ManufacturerModelName": text(first, "ManufacturerModelName"),
        "ViewPosition": "+".join(views),
    }


def _values(clinical: Clinical) -> dict[str, Any]:
    doubtful = {str(reason).split("-")[0] for reason in clinical.doubts}
    return {
        "age_years": None if "age" in doubtful else clinical.age_years,
        "sex": None if "sex" in doubtful else clinical.sex,
        "height_m": clinical.height_m,
        "weight_kg": clinical.weight_kg,
    }


def _pair(
    header: Mapping[str, Any], exam: str, dxa: Mapping[str, list[Dxa]], window_days: int
) -> Dxa | str:
    """Return the DXA of a study, or why there is none."""
    if not header:
        return "header-unreadable"
    if not exam:
        return "exam-not-screened"
    when = day(header["StudyDate"])
    if when is None:
        return "study-date-missing"
    measured = dxa.get(header["PatientID"]) if header["PatientID"] else None
    if not measured:
        return "no-dxa-of-this-patient"
    near = [one for one in measured if abs((one.when - when).days) <= window_days]
    if not near:
        return "dxa-outside-the-window"
    told = [one for one in near if known(one.row, "t_lowest")]
    return nearest(told, when) if told else "dxa-without-a-t-score"


def _labels(header: Mapping[str, Any], found: Dxa) -> dict[str, Any]:
    """Return the DXA's columns; clinical values where the header has none."""
    own = {"PatientID", "StudyInstanceUID", "StudyDate", "path", "exam", "split"}
    told = {column: value for column, value in found.row.items() if column not in own}
    clinical = _values(clinical_of(told))
    filled = {name: header[name] or value for name, value in clinical.items()}
    when = day(header["StudyDate"])
    assert when is not None
    return {
        **told,
        **filled,
        "dxa_date": f"{found.when:%Y%m%d}",
        "days_to_dxa": (found.when - when).days,
        "osteoporosis": int(found.row["t_lowest"] <= OSTEOPOROSIS_T),
    }


def _shared_folders(studies: Studies) -> set[Path]:
    """Return the folders that hold, at any depth, files of more than one study."""
    holds: dict[Path, set[str]] = {}
    for (study, _), series in studies.items():
        for file in _files(series):
            for parent in file.parents:
                holds.setdefault(parent, set()).add(study)
    return {folder for folder, inside in holds.items() if len(inside) > 1}


def _path(series: Sequence[SeriesFiles], shared: set[Path], home: Path) -> str:
    files = list(_files(series))
    # resolved: the table may lie elsewhere than where the command was given
    common = Path(os.path.commonpath([file.parent for file in files]))
    chosen = files if common in shared else [common]
    return NEXT.join(os.path.relpath(one.resolve(), home.resolve()) for one in chosen)


def _files(series: Sequence[SeriesFiles]) -> Iterator[Path]:
    for one in series:
        yield from one.files
