"""The virtual patients of a commissioning: always the same bodies, each time in new studies."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from pydicom import Dataset

from engines.exams import Exam
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.uids import derived_uid
from engines.phantoms.dicom.views import View
from engines.phantoms.filming import one_radiograph
from engines.phantoms.people.draw import low_density_person, normal_density_person
from engines.phantoms.people.person import Person

SHAPE = (768, 768)
CHILD_YEARS = 15
LOW, NORMAL = (2, 6), (3, 4)
"""Seeds of the bodies, chosen: one of the first six normal women is flagged."""


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
    chests = [
        *(_chest(run, low_density_person(seed)) for seed in LOW),
        *(_chest(run, normal_density_person(seed)) for seed in NORMAL),
    ]
    return [*chests, _lateral(run), _child(run, chests[0])]


def _chest(run: str, person: Person) -> Probe:
    kind, expected = ("low", "flagged") if person.osteoporosis else ("normal", "not flagged")
    label, truth = (
        f"chest PA, {kind} density {person.seed}",
        f"lowest T-score {person.t_lowest:.1f}",
    )
    return Probe(label, truth, Exam.CHEST_XRAY, expected, [_film(run, person, View.CHEST_PA)])


def _lateral(run: str) -> Probe:
    film = _film(run, low_density_person(5), View.CHEST_LATERAL)
    expected = "skipped: view-not-frontal"
    return Probe("chest lateral", "a view no model reads", Exam.CHEST_XRAY, expected, [film])


def _child(run: str, woman: Probe) -> Probe:
    """Send the film of a woman with a child's age: the header is what the gate looks at."""
    film = deepcopy(woman.images[0])
    film.PatientAge, film.PatientBirthDate = f"{CHILD_YEARS:03d}Y", ""
    _name(film, run, 7)
    truth, expected = f"aged {CHILD_YEARS}", "skipped: age-below-minimum"
    return Probe("chest PA, a child", truth, Exam.CHEST_XRAY, expected, [film])


def _film(run: str, person: Person, view: View) -> Dataset:
    ds = one_radiograph(Visit(person, Exam.CHEST_XRAY, person.seed), view, SHAPE)
    _name(ds, run, person.seed)
    return ds


def _name(ds: Dataset, run: str, number: int) -> None:
    """Make it a study of this run."""
    ds.PatientName, ds.PatientID = f"Virtual^Patient {number}", f"COMMISSIONING-{number}"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(ds, keyword, derived_uid(run, number, str(ds[keyword].value)))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
