"""The virtual patients of a commissioning: always the same bodies, each time in new studies."""

from collections.abc import Callable, Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from pydicom import Dataset

from daemon.virtual_studies import abdomen, film
from engines.exams import Exam
from engines.phantoms.dicom.uids import derived_uid
from engines.phantoms.dicom.views import View
from engines.phantoms.people.draw import low_density_person, normal_density_person
from engines.phantoms.people.person import Person

CHILD_YEARS = 15
LOW, NORMAL = (2, 6), (3, 4)
"""Seeds of the bodies, chosen: one of the first six normal women is flagged."""
ALSO_LOW, ALSO_NORMAL = 5, 7
"""Of those whose hips and CT are taken."""


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


def probes(run: str, exams: Collection[Exam]) -> Iterator[Probe]:
    """Make the patients of one run.

    Parameters
    ----------
    run : str
        Its name; the same name gives the same UIDs, another one other UIDs for the same bodies.
    exams : collection of Exam
        Of which; one that nobody can image is left out.
    """
    for exam in exams:
        yield from MADE.get(exam, _nothing)(run)


def _nothing(_run: str) -> Iterator[Probe]:
    return iter(())


def _chests(run: str) -> Iterator[Probe]:
    women = [*map(low_density_person, LOW), *map(normal_density_person, NORMAL)]
    chests = [
        _probe("chest PA", Exam.CHEST_XRAY, one, [_film(run, one, View.CHEST_PA)]) for one in women
    ]
    yield from chests
    yield _lateral(run)
    yield _child(run, chests[0])


def _hips(run: str) -> Iterator[Probe]:
    for woman in (low_density_person(ALSO_LOW), normal_density_person(ALSO_NORMAL)):
        pelvis = _film(run, woman, View.PELVIS)
        yield _probe("pelvis AP", Exam.HIP_XRAY, woman, [pelvis])


def _scans(run: str) -> Iterator[Probe]:
    for woman in (low_density_person(ALSO_LOW), normal_density_person(ALSO_NORMAL)):
        images = abdomen(woman)
        for ds in images:
            _name(ds, run, woman.seed)
        yield _probe("abdominal CT", Exam.ABDOMEN_CT, woman, images)


MADE: Final[dict[Exam, Callable[[str], Iterator[Probe]]]] = {
    Exam.CHEST_XRAY: _chests,
    Exam.HIP_XRAY: _hips,
    Exam.ABDOMEN_CT: _scans,
}


def _probe(what: str, exam: Exam, person: Person, images: Sequence[Dataset]) -> Probe:
    kind, expected = ("low", "flagged") if person.osteoporosis else ("normal", "not flagged")
    truth = f"lowest T-score {person.t_lowest:.1f}"
    return Probe(f"{what}, {kind} density {person.seed}", truth, exam, expected, images)


def _lateral(run: str) -> Probe:
    lateral = _film(run, low_density_person(5), View.CHEST_LATERAL)
    expected = "skipped: view-not-frontal"
    return Probe("chest lateral", "a view no model reads", Exam.CHEST_XRAY, expected, [lateral])


def _child(run: str, woman: Probe) -> Probe:
    """Send the film of a woman with a child's age: the header is what the gate looks at."""
    chest = deepcopy(woman.images[0])
    chest.PatientAge, chest.PatientBirthDate = f"{CHILD_YEARS:03d}Y", ""
    _name(chest, run, 7)
    truth, expected = f"aged {CHILD_YEARS}", "skipped: age-below-minimum"
    return Probe("chest PA, a child", truth, Exam.CHEST_XRAY, expected, [chest])


def _film(run: str, person: Person, view: View) -> Dataset:
    ds = film(person, view)
    _name(ds, run, person.seed)
    return ds


def _name(ds: Dataset, run: str, number: int) -> None:
    """Make it a study of this run."""
    ds.PatientName, ds.PatientID = f"Virtual^Patient {number}", f"COMMISSIONING-{number}"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(ds, keyword, derived_uid(run, number, str(ds[keyword].value)))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
