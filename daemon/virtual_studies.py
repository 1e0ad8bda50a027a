"""Virtual patients as studies: what the demo and a commissioning send."""

from pydicom import Dataset

from engines.exams import Exam
from engines.phantoms.ct.protocol import CtProtocol
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.views import View
from engines.phantoms.filming import one_radiograph
from engines.phantoms.people.person import Person
from engines.phantoms.scanning import one_ct

SHAPE = (768, 768)
SCAN = CtProtocol(slice_thickness_mm=5.0, spacing_mm=5.0, matrix=256, noise_hu=8.0, field_mm=380.0)
"""As coarse as can be measured: CTs are most of what there is to wait for."""


def film(person: Person, view: View) -> Dataset:
    """Take one film of a chest or a pelvis."""
    exam = Exam.HIP_XRAY if view is View.PELVIS else Exam.CHEST_XRAY
    return one_radiograph(Visit(person, exam, person.seed), view, SHAPE)


def abdomen(person: Person) -> list[Dataset]:
    """Take an abdominal CT."""
    return list(one_ct(Visit(person, Exam.ABDOMEN_CT, person.seed), SCAN))
