"""The headers that real modalities write, and what our objects may take from them."""

import re

import pytest
import reports
from pydicom import Dataset
from validators import dciodvfy

from engines.errors import BadSeries, Reason
from workers.objects import part10_bytes
from workers.reference import TYPE_2, reference_header


def other_id(**fields: str) -> Dataset:
    item = Dataset()
    for keyword, value in fields.items():
        setattr(item, keyword, value)
    return item


def raw(**fields: bytes) -> Dataset:
    """A DX source as read from a file whose text says nothing of its character set."""
    ds = reports.dx_source(SpecificCharacterSet=None)
    for keyword, value in fields.items():
        setattr(ds, keyword, value.decode("latin-1"))
    return ds


BROKEN: dict[str, Dataset] = {
    **{f"no {keyword}": reports.dx_source(**{keyword: None}) for keyword in TYPE_2},
    "all of them empty": reports.dx_source(**dict.fromkeys(TYPE_2, "")),
    "sex U": reports.dx_source(PatientSex="U"),
    "sex in small letters": reports.dx_source(PatientSex="f"),
    "birth date without a month": reports.dx_source(PatientBirthDate="19500000"),
    "dates with dots": reports.dx_source(PatientBirthDate="1950.03.02", StudyDate="2026.11.19"),
    "time with colons": reports.dx_source(StudyTime="10:12:00"),
    "orientation empty": reports.dx_source(PatientOrientation=""),
    "orientation missing": reports.dx_source(PatientOrientation=None),
    "one lone extension": reports.dx_source(
        SpecificCharacterSet="ISO 2022 IR 6", PatientName="Mueller^Anne", InstitutionName="A"
    ),
    "UTF-8 without saying so": raw(PatientName="Müller^Änne".encode()),
    "Latin-1 without saying so": raw(PatientName="Müller^Änne".encode("latin-1")),
    "accession number too long": reports.dx_source(AccessionNumber="A" * 17),
    "study description too long": reports.dx_source(StudyDescription="x" * 65),
    "line break in a name": reports.dx_source(StudyDescription="Thorax\r\np.a."),
    "age without its unit": reports.dx_source(PatientAge="75"),
    "other id without its type": reports.dx_source(
        OtherPatientIDsSequence=[other_id(PatientID="X1")]
    ),
    "code without its meaning": reports.dx_source(
        ProcedureCodeSequence=[other_id(CodeValue="1", CodingSchemeDesignator="99X")]
    ),
    "offset of no time zone": reports.dx_source(TimezoneOffsetFromUTC="CET"),
    "side in words": reports.dx_source(Laterality="LEFT"),
    "nobody's equipment": reports.dx_source(
        Manufacturer=None, ManufacturerModelName=None, SoftwareVersions=None
    ),
    "a request": reports.dx_source(
        RequestAttributesSequence=[other_id(RequestedProcedureID="R1", AccessionNumber="B" * 20)]
    ),
}
# a study without a date or number cannot go on a CD as it is, and we make none up
OF_NO_DATE = re.compile(r"</Study(Date|Time|ID)\(.*needed to build DICOMDIR")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_header_still_gives_legal_objects(name, tmp_path):
    for kind, ds in reports.result_objects(reports.report(BROKEN[name])):
        path = tmp_path / f"{kind}.dcm"
        path.write_bytes(part10_bytes(ds))
        assert [line for line in dciodvfy(path) if not OF_NO_DATE.search(line)] == []


def test_japanese_names_are_kept_in_unicode(tmp_path):
    source = reports.dx_source(SpecificCharacterSet=["", "ISO 2022 IR 87"])
    source.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    (tmp_path / "dx.dcm").write_bytes(part10_bytes(source))
    again = reports.read(tmp_path / "dx.dcm")
    header = reference_header(again)
    assert header.SpecificCharacterSet == "ISO_IR 192"
    assert header.PatientName == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    [(_, report), (_, picture)] = reports.result_objects(reports.report(again))
    for ds in (report, picture):
        (tmp_path / "out.dcm").write_bytes(part10_bytes(ds))
        assert dciodvfy(tmp_path / "out.dcm") == []
        assert reports.read(tmp_path / "out.dcm").PatientName == source.PatientName


@pytest.mark.parametrize("keyword", ["PatientID", "StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_result_that_belongs_to_nobody_is_refused(keyword, value):
    source = reports.dx_source(**{keyword: value})
    with pytest.raises(BadSeries, match=keyword) as refusal:
        reference_header(source)
    assert refusal.value.reason is Reason.HEADER_UNREADABLE


@pytest.mark.parametrize("PatientID", ["P" * 65, " "])
def test_a_patient_id_that_cannot_be_written_is_refused(PatientID):
    with pytest.raises(BadSeries, match="PatientID"):
        reference_header(reports.dx_source(PatientID=PatientID))


def test_text_that_nobody_labelled_is_read_as_what_it_is():
    assert reference_header(BROKEN["UTF-8 without saying so"]).PatientName == "Müller^Änne"
    assert reference_header(BROKEN["Latin-1 without saying so"]).PatientName == "Müller^Änne"


def test_what_is_right_is_copied_and_nothing_is_made_up():
    whole = other_id(PatientID="X1", TypeOfPatientID="TEXT", IssuerOfPatientID="OTHER")
    source = reports.dx_source(OtherPatientIDsSequence=[whole, other_id(PatientID="X2")])
    header = reference_header(source)
    assert [item.PatientID for item in header.OtherPatientIDsSequence] == ["X1"]
    for keyword in ("IssuerOfPatientID", "PatientAge", "StudyDescription", "AccessionNumber"):
        assert header[keyword].value == source[keyword].value
    assert header.PatientSex == "F"
    assert reference_header(reports.dx_source(PatientSex=None)).PatientSex == ""
    assert "PatientAge" not in reference_header(reports.dx_source(PatientAge="75"))


def test_the_source_is_left_as_it_was():
    source = reports.dx_source(PatientSex="U", StudyDescription="x" * 65)
    before = source.to_json()
    reference_header(source)
    assert source.to_json() == before


def test_the_header_holds_no_pixels_and_no_private_data():
    source = reports.dx_source()
    source.private_block(0x0009, "ACME", create=True).add_new(0x01, "LO", "secret")
    header = reference_header(source)
    assert "PixelData" not in header
    assert not any(element.tag.is_private for element in header)
