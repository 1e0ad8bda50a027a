"""The headers that real modalities write, and what our objects may take from them."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import reports
from pydicom import DataElement, Dataset, dcmread
from validators import dciodvfy

from engines.errors import BadSeries, Reason
from workers.objects import part10_bytes
from workers.reference import TYPE_2, reference_header


def other_id(**fields: str) -> Dataset:
    item = Dataset()
    for keyword, value in fields.items():
        setattr(item, keyword, value)
    return item


def misread(keyword: str, VR: str, value: object, **changes: Any) -> Dataset:
    """A source with an element whose VR is not the one that the standard gives it."""
    ds = reports.dx_source(**changes)
    ds[keyword] = DataElement(keyword, VR, value)
    return ds


def raw(**fields: bytes) -> Dataset:
    """A DX source as read from a file whose text says nothing of its character set."""
    ds = reports.dx_source(SpecificCharacterSet=None)
    for keyword, value in fields.items():
        setattr(ds, keyword, value.decode("latin-1"))
    return ds


MISREAD_CODES = other_id(RequestedProcedureID="R2")
MISREAD_CODES["RequestedProcedureCodeSequence"] = DataElement(
    "RequestedProcedureCodeSequence", "LO", "Thorax"
)
TRIAL = {
    "ClinicalTrialSponsorName": "Sponsor",
    "ClinicalTrialProtocolID": "P1",
    "ClinicalTrialSubjectReadingID": "R1",
}
HALF_NAMED = other_id(LocalNamespaceEntityID="WARD", UniversalEntityID="1.2.3")
EMPTY_VERSION = other_id(
    CodeValue="1", CodingSchemeDesignator="99X", CodingSchemeVersion="", CodeMeaning="Thorax"
)
CHARSETS = Path(__file__).parents[3] / "shared/data/odd/charset"

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
    "a request that is text": misread("RequestAttributesSequence", "LO", "R1"),
    "a procedure that is bytes": misread("ProcedureCodeSequence", "OB", b"1234"),
    "text where a request has codes": reports.dx_source(
        RequestAttributesSequence=[MISREAD_CODES, other_id(RequestedProcedureID="R1")]
    ),
    "values of no list": reports.dx_source(
        PregnancyStatus=9,
        SmokingStatus="MAYBE",
        PatientIdentityRemoved="PERHAPS",
        QualityControlSubject="N",
    ),
    "a trial of nobody": reports.dx_source(ClinicalTrialSponsorName="A", ClinicalTrialSiteID="B"),
    "a trial": reports.dx_source(**TRIAL, ClinicalTrialTimePointDescription="late"),
    "issuers without their type": reports.dx_source(
        IssuerOfAccessionNumberSequence=[other_id(UniversalEntityID="1.2.3")],
        IssuerOfAdmissionIDSequence=[HALF_NAMED],
    ),
    "a code of an empty version": reports.dx_source(ProcedureCodeSequence=[EMPTY_VERSION]),
    "long text in UTF-8": reports.dx_source(
        SpecificCharacterSet="ISO_IR 192",
        PatientName="Ä" * 20 + "^" + "Ä" * 20,
        StudyDescription="山" * 30,
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


@pytest.mark.parametrize("SpecificCharacterSet", ["", None, ["", ""]])
def test_an_empty_character_set_says_no_more_than_none(SpecificCharacterSet):
    source = raw(PatientName="Müller^Änne".encode())
    source.SpecificCharacterSet = SpecificCharacterSet
    assert reference_header(source).PatientName == "Müller^Änne"


def test_the_text_of_an_item_is_read_as_the_item_says():
    item = other_id(RequestedProcedureDescription="Hüfte".encode().decode("latin-1"))
    item.SpecificCharacterSet = ""
    source = reports.dx_source(RequestAttributesSequence=[item])
    [request] = reference_header(source).RequestAttributesSequence
    assert request.RequestedProcedureDescription == "Hüfte"
    assert "SpecificCharacterSet" not in request


def test_escape_sequences_that_were_not_decoded_are_left_out():
    source = reports.dx_source(SpecificCharacterSet=["", "ISO 2022 IR 58"])
    source["PatientName"] = DataElement("PatientName", "PN", "Zhang^XiaoDong=\x1b$)A张^\x1b$)A小东")
    assert reference_header(source).PatientName == "Zhang^XiaoDong=张^小东"


@pytest.mark.skipif(not CHARSETS.is_dir(), reason="the odd character sets are not here")
def test_a_chinese_name_of_a_real_file_is_kept():
    source = reports.read(CHARSETS / "chrGB2312.dcm")
    named = reports.dx_source(SpecificCharacterSet=["", "ISO 2022 IR 58"])
    named["PatientName"] = source["PatientName"]
    assert reference_header(named).PatientName == "Zhang^XiaoDong=张^小东"


@pytest.mark.parametrize(("VR", "value"), [("OB", b"4711"), ("US", 4711), ("AT", 0x00100020)])
def test_bytes_and_numbers_are_no_text(VR, value):
    with pytest.raises(BadSeries, match="PatientID"):
        reference_header(misread("PatientID", VR, value))
    assert reference_header(misread("PatientName", VR, value)).PatientName == ""
    assert "StudyDescription" not in reference_header(misread("StudyDescription", VR, value))


def test_bytes_that_do_not_fill_a_number_are_no_value():
    written = part10_bytes(reports.dx_source())
    as_number = written.replace(b"\x20\x00\x10\x00SH", b"\x20\x00\x10\x00FD")
    header = reference_header(dcmread(BytesIO(as_number)))
    assert header.StudyID == ""


def test_values_and_items_do_not_take_each_others_place():
    for name in ("a request that is text", "a procedure that is bytes"):
        header = reference_header(BROKEN[name])
        assert "RequestAttributesSequence" not in header
        assert "ProcedureCodeSequence" not in header
    assert (
        reference_header(misread("PatientName", "SQ", [other_id(PatientID="1")])).PatientName == ""
    )
    requests = reference_header(BROKEN["text where a request has codes"]).RequestAttributesSequence
    assert [item.RequestedProcedureID for item in requests] == ["R2", "R1"]
    assert "RequestedProcedureCodeSequence" not in requests[0]


@pytest.mark.parametrize(
    ("keyword", "right", "wrong"),
    [
        ("PregnancyStatus", 4, 5),
        ("SmokingStatus", "UNKNOWN", "MAYBE"),
        ("PatientIdentityRemoved", "NO", "N"),
        ("QualityControlSubject", "YES", "Y"),
    ],
)
def test_only_the_values_of_a_closed_list_are_copied(keyword, right, wrong):
    assert reference_header(reports.dx_source(**{keyword: right}))[keyword].value == right
    assert keyword not in reference_header(reports.dx_source(**{keyword: wrong}))


@pytest.mark.parametrize("missing", TRIAL)
def test_a_trial_is_kept_whole_or_not_at_all(missing):
    header = reference_header(reports.dx_source(**TRIAL))
    assert header.ClinicalTrialSponsorName == "Sponsor"
    assert header.ClinicalTrialSiteName == ""
    source = reports.dx_source(**{**TRIAL, missing: ""}, ClinicalTrialTimePointID="T1")
    assert not [e for e in reference_header(source) if e.keyword.startswith("ClinicalTrial")]


def test_what_is_illegal_in_an_item_is_left_out_and_the_rest_kept():
    header = reference_header(BROKEN["issuers without their type"])
    assert "IssuerOfAccessionNumberSequence" not in header
    [issuer] = header.IssuerOfAdmissionIDSequence
    assert issuer.LocalNamespaceEntityID == "WARD"
    assert "UniversalEntityID" not in issuer
    [code] = reference_header(BROKEN["a code of an empty version"]).ProcedureCodeSequence
    assert code.CodeMeaning == "Thorax"
    assert "CodingSchemeVersion" not in code


@pytest.mark.parametrize("text", ["A" * 65, "Ä" * 65])
def test_text_that_is_too_long_in_characters_is_still_complained_of(text, tmp_path):
    picture = dict(reports.result_objects(reports.report()))["SC"]
    picture.StudyDescription, picture.PatientName = text, f"{text}^A"
    (tmp_path / "sc.dcm").write_bytes(part10_bytes(picture))
    said = dciodvfy(tmp_path / "sc.dcm")
    for keyword in ("StudyDescription", "PatientName"):
        assert any(keyword in line and "Length invalid" in line for line in said)
    assert "exit status 1" in said


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
