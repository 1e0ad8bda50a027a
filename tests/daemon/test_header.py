"""A received file is read within bounds, and what is read of it is what pydicom reads."""

import struct
import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from daemon import header
from engines import exams

SHARED = Path(__file__).parents[3] / "shared" / "data"
PYDICOMS = Path(pydicom.__file__).parent / "data" / "test_files"
KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "Modality")
SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)


def by_pydicom(path):
    """Return syntax and values as pydicom reads them, None where it cannot."""
    try:
        ds = pydicom.dcmread(path, stop_before_pixels=True)
        values = {keyword: str(ds.get(keyword) or "") for keyword in KEYWORDS}
        return str(ds.file_meta.TransferSyntaxUID), values
    except Exception:  # noqa: BLE001 - whatever it may be, pydicom cannot read it
        return None


def by_us(path):
    received = header.look(path, KEYWORDS)
    return None if received.values is None else (received.TransferSyntaxUID, received.values)


def real_files():
    shared = [path for path in SHARED.rglob("*") if path.is_file()]
    return [path for path in (*shared, *PYDICOMS.rglob("*")) if path.is_file()]


def test_every_real_file_is_read_as_pydicom_reads_it():
    files = real_files()
    assert len(files) > 60
    assert [path.name for path in files if by_us(path) != by_pydicom(path)] == []


def test_every_real_header_is_classified_as_if_all_of_it_were_read():
    readable = [path for path in real_files() if by_us(path)]
    for path in readable:
        whole = pydicom.dcmread(path, stop_before_pixels=True)
        excerpt = header.excerpt(path, exams.READ)
        for keyword in exams.READ:
            assert str(excerpt.get(keyword)) == str(whole.get(keyword)), (path.name, keyword)


texts = st.text("ABCXYZ 019_.^", max_size=70)
elements = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(KEYWORDS, texts),
        "SpecificCharacterSet": st.sampled_from(["ISO_IR 100", "ISO_IR 192"]),
        "ImageType": st.lists(texts, max_size=3),
        "StudyDescription": texts,
        "Manufacturer": st.text(max_size=20),
        "BodyPartExamined": texts,
        "ProtocolName": texts,
    },
)


@st.composite
def headers(draw):
    """Draw a data set with sequences, nested and of undefined length, between what is wanted."""
    ds = Dataset()
    for keyword, value in draw(elements).items():
        setattr(ds, keyword, value)
    for keyword in (
        "ReferencedImageSequence",
        "AnatomicRegionSequence",
        "RequestAttributesSequence",
    ):
        if draw(st.booleans()):
            setattr(ds, keyword, [_item(draw, 2) for _ in range(draw(st.integers(0, 3)))])
            ds[keyword].is_undefined_length = draw(st.booleans())
    private = ds.private_block(0x0019, "OURS", create=True)
    private.add_new(1, "OB", bytes(draw(st.integers(0, 200_000))))
    return ds


def _item(draw, depth):
    item = Dataset()
    item.CodeMeaning = draw(texts)
    if depth and draw(st.booleans()):
        item.PurposeOfReferenceCodeSequence = [_item(draw, depth - 1)]
        item["PurposeOfReferenceCodeSequence"].is_undefined_length = draw(st.booleans())
    item.is_undefined_length_sequence_item = draw(st.booleans())
    return item


def write(path, ds, syntax=ExplicitVRLittleEndian):
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2"
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    path.write_bytes(out.getvalue())
    return path


@given(ds=headers(), syntax=st.sampled_from(SYNTAXES))
def test_any_header_is_read_as_pydicom_reads_it(tmp_path_factory, ds, syntax):
    path = write(tmp_path_factory.getbasetemp() / "drawn.dcm", ds, syntax)
    assert by_us(path) == by_pydicom(path)
    whole, excerpt = pydicom.dcmread(path), header.excerpt(path, exams.READ)
    for keyword in exams.READ:
        assert str(excerpt.get(keyword)) == str(whole.get(keyword))


def named(**keywords):
    ds = Dataset()
    for keyword in KEYWORDS[:4]:
        setattr(ds, keyword, "1.2.3")
    ds.Modality = "CT"
    for keyword, value in keywords.items():
        setattr(ds, keyword, value)
    return ds


def test_a_header_in_order_is_never_given_to_pydicom(tmp_path, monkeypatch):
    monkeypatch.setattr(header._Part10, "_with_pydicom", None)
    for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        assert by_us(write(tmp_path / "in-order.dcm", named(), syntax))[1]["Modality"] == "CT"


@pytest.fixture
def little_memory():
    """Fail a test that at any moment holds more than 20 MB."""
    tracemalloc.start()
    yield
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000


PROMISE = struct.pack("<L", 3_000_000_000)


@pytest.mark.parametrize(
    "tag", [b"\x08\x00\x60\x00UN", b"\x08\x00\x70\x00UN", b"\x20\x00\x0d\x00UT"]
)
def test_what_a_header_promises_is_not_allocated(tmp_path, little_memory, tag):
    path = write(tmp_path / "promises.dcm", Dataset())
    path.write_bytes(path.read_bytes() + tag + b"\0\0" + PROMISE + b"short")
    received = header.look(path, KEYWORDS)
    assert received.values is None or received.values["StudyInstanceUID"] in ("", "short")
    header.excerpt(path, exams.READ)


def test_a_deflated_header_that_swells_is_inflated_so_far_and_no_further(tmp_path, little_memory):
    path = write(tmp_path / "swells.dcm", Dataset(), DeflatedExplicitVRLittleEndian)
    meta = path.read_bytes()[: header._dataset_at(path.read_bytes())]
    compress = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    private = b"\x09\x00\x01\x00UN\0\0" + struct.pack("<L", 64 << 20)
    pieces = [compress.compress(private), *(compress.compress(bytes(1 << 20)) for _ in range(64))]
    path.write_bytes(meta + b"".join(pieces) + compress.flush())
    assert not any(by_us(path)[1].values())


def test_a_large_file_is_hashed_in_pieces(tmp_path, little_memory):
    path = write(tmp_path / "large.dcm", named())
    with path.open("r+b") as file:
        file.truncate(100_000_000)
    assert header.look(path, KEYWORDS).size_bytes > 99_000_000
    assert header.dataset_sha256(path)[0] == header.look(path, KEYWORDS).sha256
