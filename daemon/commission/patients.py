"""The virtual patients of a commissioning: always the same bodies, each time in new studies."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from engines.exams import Exam
from engines.phantoms import person
from engines.phantoms.chest_dicom import FilmFormat, chest_dicom
from engines.phantoms.dicom.uids import derived_uid
from engines.phantoms.person import ChestPatient

SHAPE = (1024, 1024)
CHILD_YEARS = 15
LOW, NORMAL = (1, 3), (2, 4)
"""Seeds of the bodies."""


@dataclass(frozen=True)
class Probe:
    """One study to send, and what is true of its patient.

    Attributes
    ----------
    label, truth : str
        What it is, and what is known of the patient, in words.
    exam : Exam
        What its images are classified as.
    expected : str
        The outcome where a model for this exam is switched on.
    images : sequence of Dataset
        With file meta information.
    """

    label: str
    truth: str
    exam: Exam
    expected: str
    images: Sequence[Dataset]

    @property
    def study_uid(self) -> str:
        """The study's StudyInstanceUID."""
        return str(self.images[0].StudyInstanceUID)


def probes(run: str) -> list[Probe]:
    """Make the patients of one run.

    Parameters
    ----------
    run : str
        Its name; the same name gives the same UIDs, another one other UIDs for the same bodies.
    """
    return [
        *(_chest(run, person.low_density_patient(seed), seed) for seed in LOW),
        *(_chest(run, person.normal_density_patient(seed), seed) for seed in NORMAL),
        _lateral(run),
        _child(run),
    ]


def _chest(run: str, patient: ChestPatient, seed: int) -> Probe:
    kind, expected = ("low", "flagged") if patient.osteoporosis else ("normal", "not flagged")
    label, truth = f"chest PA, {kind} density {seed}", f"lowest T-score {patient.t_lowest:.1f}"
    return Probe(label, truth, Exam.CHEST_XRAY, expected, [_film(run, patient, seed)])


def _lateral(run: str) -> Probe:
    film = _film(run, person.low_density_patient(5), 5, lateral=True)
    expected = "skipped: view-not-frontal"
    return Probe("chest lateral", "a view no model reads", Exam.CHEST_XRAY, expected, [film])


def _child(run: str) -> Probe:
    film = _film(run, person.low_density_patient(6), 6)
    film.PatientAge, film.PatientBirthDate = f"{CHILD_YEARS:03d}Y", ""
    truth, expected = f"aged {CHILD_YEARS}", "skipped: age-below-minimum"
    return Probe("chest PA, a child", truth, Exam.CHEST_XRAY, expected, [film])


def _film(run: str, patient: ChestPatient, seed: int, lateral: bool = False) -> Dataset:
    form = FilmFormat(shape=SHAPE, lateral=lateral, inverted=seed % 2 == 0)
    ds = chest_dicom(patient, seed, form, name=f"Virtual^Patient {seed}")
    ds.PatientID = f"COMMISSIONING-{seed}"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(ds, keyword, derived_uid(run, str(ds[keyword].value)))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds
