"""Who was imaged, when and with which device: what all images of a visit share."""

import datetime
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydicom import Dataset
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from engines.exams import Exam
from engines.phantoms.dicom.flaws import NO_FLAWS, Flaw
from engines.phantoms.dicom.makers import Maker, draw_maker
from engines.phantoms.dicom.names import Name, draw_name
from engines.phantoms.dicom.uids import derived_uid
from engines.phantoms.people.person import Person

#: Streams of chance: dates of the patient; device, settings and clock of each exam.
_STREAM_DATES = 42
_STREAM_DEVICE = {Exam.CHEST_XRAY: 43, Exam.HIP_XRAY: 44, Exam.ABDOMEN_CT: 45, Exam.HIP_MRI: 46}
_STREAM_SETTINGS = {Exam.CHEST_XRAY: 53, Exam.HIP_XRAY: 54, Exam.ABDOMEN_CT: 55, Exam.HIP_MRI: 56}
_STREAM_CLOCK = {Exam.CHEST_XRAY: 63, Exam.HIP_XRAY: 64, Exam.ABDOMEN_CT: 65, Exam.HIP_MRI: 66}

#: First visits lie in these years, so that follow-up ends before today.
_FIRST_DAY = datetime.date(2019, 1, 7)
_DAYS = 1400
#: All first visits lie within so many days, at one and the same age.
_SPREAD_DAYS = 80
_MOST_DAYS_SINCE_BIRTHDAY = 270


@dataclass(frozen=True)
class Visit:
    """One study of a virtual patient.

    Attributes
    ----------
    person : Person
        Who is imaged. Name, birth date and PatientID follow from ``person.seed``.
    exam : Exam
        What is imaged.
    seed : int
        Of the acquisition: device, clock, identifiers of the study.
    number : int
        Which of ``person.visits_years``; 0 but for MRI.
    flaws : frozenset of Flaw
        What the archive gets wrong.
    maker : Maker or None
        Whose device; drawn where none is given.
    """

    person: Person
    exam: Exam
    seed: int
    number: int = 0
    flaws: frozenset[Flaw] = NO_FLAWS
    maker: Maker | None = None

    @cached_property
    def device(self) -> Maker:
        """Whose device takes the images."""
        return self.maker or draw_maker(self.seed, _STREAM_DEVICE[self.exam])

    @cached_property
    def name(self) -> Name:
        """The patient's name."""
        return draw_name(self.person.seed, self.person.sex)

    def rng(self) -> np.random.Generator:
        """Return the stream of the settings of this exam, always from its beginning."""
        return np.random.default_rng([self.seed, _STREAM_SETTINGS[self.exam], self.number])

    def uid(self, *of: object) -> UID:
        """Derive a UID of this visit; with flaws it is another one, as its files are others."""
        faults = sorted(map(str, self.flaws))
        return derived_uid(self.person.seed, self.seed, str(self.exam), self.number, *faults, *of)

    @cached_property
    def dates(self) -> tuple[datetime.date, datetime.date]:
        """Return the birth date and the date of the study.

        At every first visit the age is ``person.age_years``.
        """
        rng = np.random.default_rng([self.person.seed, _STREAM_DATES])
        first = _FIRST_DAY + datetime.timedelta(int(rng.integers(_DAYS)))
        birthday = first - datetime.timedelta(int(rng.integers(_MOST_DAYS_SINCE_BIRTHDAY)))
        if (birthday.month, birthday.day) == (2, 29):
            birthday += datetime.timedelta(1)
        born = birthday.replace(year=birthday.year - self.person.age_years)
        offsets = rng.integers(_SPREAD_DAYS, size=len(Exam))
        years = self.person.visits_years[self.number] if self.number else 0.0
        wait = int(offsets[list(Exam).index(self.exam)]) + round(365.2425 * years)
        return born, first + datetime.timedelta(wait)


def patient_id(person: Person) -> str:
    """Return the PatientID, which tells everybody that nobody was imaged."""
    return f"PHANTOM-{person.seed:08d}"


def new_image(visit: Visit, sop_class: UID, *of: object) -> Dataset:
    """Begin an image: identifiers, patient, study and device.

    Parameters
    ----------
    visit : Visit
        Whose, when, with what.
    sop_class : UID
        Its kind.
    *of : object
        What tells this image from the others of the visit.
    """
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = visit.uid("image", *of)
    charset = visit.name.culture.charset
    if Flaw.WRONG_CHARSET in visit.flaws:
        ds.SpecificCharacterSet = "ISO_IR 100"
    elif charset:
        ds.SpecificCharacterSet = list(charset) if len(charset) > 1 else charset[0]
    _describe_patient(ds, visit)
    _describe_age(ds, visit)
    _describe_size(ds, visit)
    _describe_study(ds, visit)
    _describe_device(ds, visit)
    return ds


def set_time(ds: Dataset, visit: Visit, event: str, seconds: float) -> None:
    """Write the date and time of an event so many seconds after the study began."""
    rng = np.random.default_rng([visit.seed, _STREAM_CLOCK[visit.exam], visit.number])
    # between 7:30 and 17:30
    begun = datetime.datetime.combine(visit.dates[1], datetime.time(7, 30))
    moment = begun + datetime.timedelta(seconds=int(rng.integers(36000)) + round(seconds, 3))
    form = "%H%M%S.%f" if visit.device.second_fraction else "%H%M%S"
    setattr(ds, f"{event}Date", moment.strftime("%Y%m%d"))
    setattr(ds, f"{event}Time", moment.strftime(form))


def in_charset(visit: Visit, text: str) -> str:
    """Return a text as the archive holds it."""
    if Flaw.WRONG_CHARSET in visit.flaws:
        # bytes of UTF-8, which the reader is told to take for ISO 8859-1
        return text.encode().decode("latin-1")
    return text


def _describe_patient(ds: Dataset, visit: Visit) -> None:
    ds.PatientName = in_charset(visit, visit.name.text)
    ds.PatientID = patient_id(visit.person)
    ds.PatientSex = visit.person.sex
    ds.PatientComments = "Simulated patient: no person was imaged"


def _describe_age(ds: Dataset, visit: Visit) -> None:
    born, studied = visit.dates
    years = studied.year - born.year - ((studied.month, studied.day) < (born.month, born.day))
    ds.PatientBirthDate = born.strftime("%Y%m%d")
    ds.PatientAge = f"{years:03d}Y"
    if Flaw.AGE_CONTRADICTORY in visit.flaws:
        ds.PatientAge = f"{years - 10:03d}Y"
    if Flaw.AGE_MALFORMED in visit.flaws:
        ds.PatientBirthDate = ""
        ds["PatientAge"] = DataElement("PatientAge", "AS", f"{years}", validation_mode=IGNORE)
    if Flaw.AGE_MISSING in visit.flaws:
        ds.PatientBirthDate = ""
        del ds.PatientAge


def _describe_size(ds: Dataset, visit: Visit) -> None:
    if Flaw.SIZE_MISSING in visit.flaws:
        return
    in_cm = Flaw.SIZE_IN_CM in visit.flaws
    height = visit.person.height_m
    ds.PatientSize = f"{100 * height:.0f}" if in_cm else f"{height:.2f}"
    ds.PatientWeight = f"{visit.person.weight_kg:.1f}"


def _describe_study(ds: Dataset, visit: Visit) -> None:
    ds.StudyInstanceUID = visit.uid("study")
    number = int(visit.uid("order").removeprefix("2.25.")) % 10**8
    ds.StudyID = f"{number % 10**5}"
    ds.AccessionNumber = f"V{number:08d}"
    ds.ReferringPhysicianName = ""
    set_time(ds, visit, "Study", 0)


def _describe_device(ds: Dataset, visit: Visit) -> None:
    maker = visit.device
    ds.Manufacturer = maker.name
    ds.ManufacturerModelName = maker.models[visit.exam]
    ds.SoftwareVersions = maker.software
    ds.DeviceSerialNumber = f"{visit.seed % 89 + 10:02d}{len(maker.name):03d}"
    ds.StationName = f"{str(visit.exam).upper()}{visit.seed % 4 + 1:02d}"
    ds.InstitutionName = in_charset(visit, visit.name.culture.hospital)
    if maker.private_creator:
        block = ds.private_block(0x0009, maker.private_creator, create=True)
        block.add_new(0x01, "LO", f"{ds.StationName} {maker.software}")
