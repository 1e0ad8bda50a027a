"""A compressed image that is larger than its header says is refused before it is decoded."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEGBaseline8Bit
from radiographs import cr

from engines.codestream import frame_size
from engines.errors import BadSeries, Reason
from engines.images import read_image, read_radiograph


def jpeg() -> Dataset:
    """Return a film of 64 x 48 pixels in JPEG baseline."""
    stream = io.BytesIO()
    film = np.random.default_rng(1).integers(0, 255, (64, 48)).astype(np.uint8)
    Image.fromarray(film).save(stream, "JPEG")
    ds = cr(film, PixelData=encapsulate([stream.getvalue()]))
    ds["PixelData"].VR = "OB"
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return ds


def sample(name: str) -> Dataset:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str), f"pydicom-data lacks {name}"
    return read_image(Path(path))


def compressed() -> list[Dataset]:
    return [jpeg(), sample("MR_small_jp2klossless.dcm"), sample("MR_small_jpeg_ls_lossless.dcm")]


def test_rows_and_columns_are_read_without_decoding() -> None:
    for ds in compressed():
        (stream,) = generate_frames(ds.PixelData, number_of_frames=1)
        assert frame_size(stream) == (ds.Rows, ds.Columns)


def test_a_codestream_in_a_jp2_file_is_found() -> None:
    (stream,) = generate_frames(sample("MR_small_jp2klossless.dcm").PixelData, number_of_frames=1)
    boxes = struct.pack(">I4sI", 12, b"jP  ", 0x0D0A870A) + bytes(40)
    assert frame_size(boxes + stream) == frame_size(stream)


@pytest.mark.parametrize("stream", [b"", b"\xff", b"\xff\xd8\xff", b"\xff\x4f\xff\x51", bytes(99)])
def test_a_stream_that_does_not_say_has_no_size(stream: bytes) -> None:
    assert frame_size(stream) is None


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
def test_a_codestream_larger_than_its_header_is_not_decoded(
    keyword: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = compressed()
    for ds in films:
        read_radiograph(ds)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("engines.pixels.pixel_array", never)
    for ds in films:
        setattr(ds, keyword, ds[keyword].value - 1)
        with pytest.raises(BadSeries) as caught:
            read_radiograph(ds)
        assert caught.value.reason is Reason.PIXELS_UNDECODABLE
        assert "larger than its header" in caught.value.detail
