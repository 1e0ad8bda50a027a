"""One film, however it was written down, must look the same; what cannot be read is a verdict."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.processing import apply_voi_lut, apply_windowing
from pydicom.uid import UID, JPEG2000Lossless, RLELossless
from radiographs import cr, ramp, shared, write

from engines.errors import BadSeries, NotEligible, Reason, Verdict
from engines.images import Radiograph, read_image, read_radiograph
from engines.pixels import MOST_PIXELS


def sample(name: str) -> Dataset:
    """Return one of pydicom's own files."""
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str), f"pydicom-data lacks {name}"
    return read_image(Path(path))


def verdict_on(ds: Dataset) -> Verdict:
    with pytest.raises(Verdict) as caught:
        read_radiograph(ds)
    return caught.value


def lut(first: int, table: list[int], bits: int = 8) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(table), first, bits])
    item.add_new("LUTData", "US", table)
    return item


# polarity


def test_monochrome1_is_the_negative_of_monochrome2() -> None:
    plain = read_radiograph(cr()).pixels
    negative = read_radiograph(cr(PhotometricInterpretation="MONOCHROME1")).pixels
    assert plain[0, 0] == 0 and plain[-1, -1] == 1
    np.testing.assert_allclose(negative, 1 - plain, atol=1e-6)


def test_a_presentation_lut_shape_decides_over_the_photometric_interpretation() -> None:
    inverse = read_radiograph(cr(PresentationLUTShape="INVERSE")).pixels
    identity = cr(PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="IDENTITY")
    assert inverse[0, 0] == 1 and inverse[-1, -1] == 0
    assert read_radiograph(identity).pixels[0, 0] == 0


# lookup tables and windows


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_a_window_shows_what_pydicom_shows(function: str) -> None:
    ds = cr(WindowCenter="1500", WindowWidth="1200", VOILUTFunction=function)
    theirs = apply_windowing(ramp(), ds) / 4095
    np.testing.assert_allclose(read_radiograph(ds).pixels, theirs, atol=1e-5)


def test_of_several_windows_the_first_is_shown() -> None:
    both = read_radiograph(cr(WindowCenter=["1500", "300"], WindowWidth=["1200", "100"]))
    first = read_radiograph(cr(WindowCenter="1500", WindowWidth="1200"))
    np.testing.assert_array_equal(both.pixels, first.pixels)


@pytest.mark.parametrize("window", ["90000 10", "1500 0", "1500 -5", "-500 100", "2048 200"])
def test_a_window_that_shows_too_little_of_the_film_is_passed_over(window: str) -> None:
    centre, width = window.split()
    pixels = read_radiograph(cr(WindowCenter=centre, WindowWidth=width)).pixels
    np.testing.assert_array_equal(pixels, read_radiograph(cr()).pixels)


def test_a_voi_lut_comes_before_a_window_and_shows_what_pydicom_shows() -> None:
    table = [int(4095 * (i / 4095) ** 2) for i in range(4096)]
    ds = cr(VOILUTSequence=[lut(0, table, bits=12)], WindowCenter="10", WindowWidth="20")
    theirs = apply_voi_lut(ramp(), ds) / 4095
    np.testing.assert_allclose(read_radiograph(ds).pixels, theirs, atol=1e-6)


def test_values_beyond_a_lut_take_its_ends() -> None:
    ds = cr(VOILUTSequence=[lut(1000, [10, *[100] * 2000, 200])])
    assert sorted(np.unique(np.rint(read_radiograph(ds).pixels * 255))) == [10, 100, 200]


def test_a_modality_lut_comes_before_the_window() -> None:
    table = list(range(4095, -1, -1))
    ds = cr(ModalityLUTSequence=[lut(0, table, bits=16)], WindowCenter="2048", WindowWidth="4096")
    pixels = read_radiograph(ds).pixels
    assert pixels[0, 0] > 0.99 and pixels[-1, -1] < 0.01


def test_rescaled_values_meet_a_window_in_rescaled_units() -> None:
    ds = cr(RescaleSlope="2", RescaleIntercept="-1000", WindowCenter="2000", WindowWidth="3000")
    expected = np.clip((ramp() * 2.0 - 1000 - 1999.5) / 2999 + 0.5, 0, 1)
    np.testing.assert_allclose(read_radiograph(ds).pixels, expected, atol=1e-5)


@pytest.mark.parametrize("slope", ["0", "nan"])
def test_a_useless_slope_is_no_rescale(slope: str) -> None:
    pixels = read_radiograph(cr(RescaleSlope=slope, RescaleIntercept="0")).pixels
    np.testing.assert_array_equal(pixels, read_radiograph(cr()).pixels)


def test_real_lookup_table_files_show_their_whole_range() -> None:
    for name in ("mlut_18.dcm", "vlut_04.dcm"):
        pixels = read_radiograph(sample(name)).pixels
        assert (pixels.min(), pixels.max()) == (0, 1) and 0.3 < pixels.mean() < 0.7


# bit depths


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<i2"])
def test_depth_and_sign_do_not_change_the_film(dtype: str) -> None:
    values = (ramp(highest=255).astype(int) - (128 if dtype == "<i2" else 0)).astype(dtype)
    expected = read_radiograph(cr(ramp(highest=255))).pixels
    np.testing.assert_allclose(read_radiograph(cr(values)).pixels, expected, atol=1e-6)


def test_bits_above_the_stored_ones_are_not_part_of_the_value() -> None:
    overlaid = ramp() | np.uint16(0x8000)
    assert read_radiograph(cr(overlaid)).sha256 == read_radiograph(cr()).sha256


# transfer syntaxes

TWINS = {
    "MR_small.dcm": [
        "MR_small_bigendian.dcm",
        "MR_small_expb.dcm",
        "MR_small_implicit.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_RLE.dcm",
    ],
    "RG1_UNCR.dcm": ["RG1_J2KR.dcm"],
    "RG3_UNCR.dcm": ["RG3_J2KR.dcm"],
}


@pytest.mark.parametrize(
    ("plain", "twin"), [(plain, twin) for plain, twins in TWINS.items() for twin in twins]
)
def test_a_compressed_twin_is_the_same_film(plain: str, twin: str) -> None:
    one, other = read_radiograph(sample(plain)), read_radiograph(sample(twin))
    assert one.sha256 == other.sha256
    np.testing.assert_array_equal(one.pixels, other.pixels)


def test_one_slice_is_the_same_in_every_lossless_transfer_syntax() -> None:
    hashes = {}
    for path in sorted(shared("odd/transfer-syntax").glob("CTImage*.dcm")):
        syntax = path.stem.rsplit("_", 1)[1]
        try:
            hashes[syntax] = read_radiograph(read_image(path)).sha256
        except BadSeries as verdict:
            hashes[syntax] = str(verdict.reason)
    base = "1.2.840.10008.1.2"
    lossless = ["", ".1", ".2", ".1.99", ".4.57", ".4.70", ".4.80", ".4.90", ".5"]
    assert len({hashes[base + end] for end in lossless}) == 1
    # lossy ones decode to something else; 12-bit lossy JPEG has no decoder under our licences
    assert {hashes[base + end] for end in (".4.51", ".4.53", ".4.55")} == {"pixels-undecodable"}
    assert len({hashes[base + end] for end in ("", ".4.50", ".4.81", ".4.91")}) == 4


def test_the_hash_tells_films_apart() -> None:
    other = ramp()
    other[3, 3] += 1
    assert read_radiograph(cr(other)).sha256 != read_radiograph(cr()).sha256
    reshaped = ramp().reshape(48, 64)
    assert read_radiograph(cr(reshaped)).sha256 != read_radiograph(cr()).sha256


# geometry


def test_oblong_pixels_are_stretched_to_the_finer_spacing() -> None:
    film = read_radiograph(cr(ImagerPixelSpacing=["0.4", "0.2"]))
    assert film.pixels.shape == (128, 48) and film.spacing_mm == 0.2
    assert film.source_shape == (64, 48)
    film = read_radiograph(cr(PixelSpacing=["0.2", "0.3"]))
    assert film.pixels.shape == (64, 72) and film.spacing_mm == 0.2


def test_a_pixel_aspect_ratio_is_vertical_before_horizontal() -> None:
    film = read_radiograph(cr(PixelAspectRatio=["2", "1"]))
    assert film.pixels.shape == (128, 48) and film.spacing_mm is None


@pytest.mark.parametrize("spacing", [["0", "0"], ["0.000", "0.2"], ["-1", "1"], ["700", "700"]])
def test_a_useless_spacing_is_none(spacing: list[str]) -> None:
    film = read_radiograph(cr(PixelSpacing=spacing))
    assert film.spacing_mm is None and film.pixels.shape == (64, 48)


def test_the_detectors_spacing_comes_before_a_calibrated_one() -> None:
    ds = cr(ImagerPixelSpacing=["0.2", "0.2"], PixelSpacing=["0.17", "0.17"])
    assert read_radiograph(ds).spacing_mm == 0.2
    assert read_radiograph(cr()).spacing_mm is None


# the exposed field


def noisy_film() -> np.ndarray:
    return np.random.default_rng(1).integers(1000, 2000, (200, 160)).astype(np.uint16)


@pytest.mark.parametrize("tone", [0, 4095])
def test_a_border_is_black_and_has_no_say_in_the_range(tone: int) -> None:
    bordered = noisy_film()
    bordered[:30] = bordered[:, -25:] = tone
    film = read_radiograph(cr(bordered))
    assert film.pixels.shape == (200, 160)
    assert (film.pixels[:30] == 0).all() and (film.pixels[:, -25:] == 0).all()
    inside = film.pixels[32:, :-27]
    assert inside.min() < 0.02 and inside.max() > 0.98 and 0.4 < inside.mean() < 0.6


def test_text_in_a_white_margin_does_not_make_it_film() -> None:
    bordered = noisy_film()
    bordered[:30] = 4095
    bordered[10:14, 60:66] = 0
    assert (read_radiograph(cr(bordered)).pixels[:30] == 0).all()


def test_a_white_abdomen_that_fades_into_the_film_is_no_border() -> None:
    fading = noisy_film().astype(float)
    fading[100:] += np.linspace(0, 4000, 100)[:, None]
    film = read_radiograph(cr(np.clip(fading, 0, 4095).astype(np.uint16)))
    assert (film.pixels[195:] > 0.95).all()


def test_a_film_without_borders_is_all_field() -> None:
    assert (read_radiograph(cr(noisy_film())).pixels[:5] > 0).mean() > 0.95


def test_shutters_and_padding_are_outside_the_field() -> None:
    rectangular = {
        "ShutterShape": "RECTANGULAR",
        "ShutterUpperHorizontalEdge": 21,
        "ShutterLowerHorizontalEdge": 180,
        "ShutterLeftVerticalEdge": 11,
        "ShutterRightVerticalEdge": 150,
    }
    pixels = read_radiograph(cr(noisy_film(), **rectangular)).pixels
    assert (pixels[:20] == 0).all() and (pixels[180:] == 0).all()
    assert (pixels[:, :10] == 0).all() and (pixels[20, 10:150] > 0).mean() > 0.9
    circular = {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [101, 81]}
    pixels = read_radiograph(cr(noisy_film(), RadiusOfCircularShutter=60, **circular)).pixels
    assert pixels[100, 80] > 0 and (pixels[:39] == 0).all() and (pixels[:45, :45] == 0).all()
    corners = {"VerticesOfThePolygonalShutter": [1, 1, 1, 160, 200, 80]}
    pixels = read_radiograph(cr(noisy_film(), ShutterShape="POLYGONAL", **corners)).pixels
    assert (pixels[150:, :40] == 0).all() and pixels[100, 80] > 0
    padded = noisy_film()
    padded[50:60, 50:60] = 0
    pixels = read_radiograph(cr(padded, PixelPaddingValue=0)).pixels
    assert (pixels[50:60, 50:60] == 0).all() and pixels[:40].mean() > 0.4


def test_a_shutter_that_hides_all_is_a_mistake() -> None:
    absurd = {
        "ShutterShape": "RECTANGULAR",
        "ShutterUpperHorizontalEdge": 1,
        "ShutterLowerHorizontalEdge": 2,
        "ShutterLeftVerticalEdge": 1,
        "ShutterRightVerticalEdge": 2,
    }
    pixels = read_radiograph(cr(noisy_film(), **absurd)).pixels
    np.testing.assert_array_equal(pixels, read_radiograph(cr(noisy_film())).pixels)


def test_the_white_collimator_of_a_real_tibia_is_black_and_the_bone_is_not() -> None:
    film = read_radiograph(sample("RG3_UNCR.dcm"))
    columns = film.pixels.mean(axis=0)
    assert (columns[:300] == 0).all() and (columns[800:900] > 0.4).all()


# verdicts


def test_constant_pixels_are_a_failure() -> None:
    constant = np.full((64, 48), 700, dtype=np.uint16)
    assert verdict_on(cr(constant)).reason is Reason.PIXELS_CONSTANT
    assert verdict_on(cr(constant * 0)).reason is Reason.PIXELS_CONSTANT


def test_a_field_that_is_constant_but_for_a_few_dots_is_a_failure() -> None:
    dotted = np.full((64, 48), 700, dtype=np.uint16)
    dotted[10, 10:13] = 4000
    assert verdict_on(cr(dotted)).reason is Reason.PIXELS_CONSTANT


@pytest.mark.parametrize(
    "changes", [{"PixelData": None}, {"PixelData": b""}, {"Rows": 0}, {"Columns": None}]
)
def test_missing_pixels_are_a_failure(changes: dict[str, Any]) -> None:
    assert verdict_on(cr(**changes)).reason is Reason.PIXELS_MISSING


def test_pixels_that_are_not_as_the_header_says_are_a_failure() -> None:
    ds = cr()
    ds.PixelData = ds.PixelData[:-200]
    assert verdict_on(ds).reason is Reason.PIXELS_UNDECODABLE
    assert "HighBit" in verdict_on(cr(HighBit=15)).detail
    assert verdict_on(sample("MR_truncated.dcm")).reason is Reason.PIXELS_UNDECODABLE


@pytest.mark.parametrize(
    "name", ["MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_RLE.dcm"]
)
def test_a_codestream_cut_in_half_is_a_failure(name: str) -> None:
    ds = sample(name)
    frame = next(generate_frames(ds.PixelData, number_of_frames=1))
    ds.PixelData = encapsulate([frame])
    assert isinstance(read_radiograph(ds), Radiograph)
    ds.PixelData = encapsulate([frame[: len(frame) // 2]])
    assert verdict_on(ds).reason is Reason.PIXELS_UNDECODABLE


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
def test_rubbish_instead_of_a_codestream_is_a_failure(syntax: UID) -> None:
    ds = cr(PixelData=encapsulate([bytes(range(256)) * 8]))
    ds.file_meta.TransferSyntaxUID = syntax
    assert verdict_on(ds).reason is Reason.PIXELS_UNDECODABLE


def test_an_unknown_transfer_syntax_is_a_failure() -> None:
    ds = cr()
    ds.file_meta.TransferSyntaxUID = UID("1.2.3.4.5")
    assert verdict_on(ds).reason is Reason.PIXELS_UNDECODABLE
    del ds.file_meta
    assert verdict_on(ds).reason is Reason.PIXELS_UNDECODABLE


def test_a_header_that_promises_gigabytes_is_refused_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("engines.pixels.pixel_array", never)
    verdict = verdict_on(cr(Rows=40_000, Columns=40_000))
    assert verdict.reason is Reason.PIXELS_UNDECODABLE and str(MOST_PIXELS) in verdict.detail


def test_colour_and_several_frames_are_no_films() -> None:
    with pytest.raises(NotEligible) as colour:
        read_radiograph(sample("SC_rgb_rle.dcm"))
    assert colour.value.reason is Reason.SCREENSHOT
    with pytest.raises(NotEligible) as frames:
        read_radiograph(sample("emri_small.dcm"))
    assert frames.value.reason is Reason.UNLIKE_EXAM


# files


def test_a_file_that_is_not_dicom_is_a_verdict_without_its_name(tmp_path: Path) -> None:
    path = tmp_path / "Doe^Jane.dcm"
    path.write_bytes(b"\x89PNG" + bytes(200))
    for unreadable in (path, tmp_path / "Doe^Jane-absent.dcm"):
        with pytest.raises(BadSeries) as caught:
            read_image(unreadable)
        assert caught.value.reason is Reason.HEADER_UNREADABLE
        assert "Doe" not in caught.value.detail


def test_malformed_files_end_in_a_verdict_or_a_film() -> None:
    ends = set()
    for path in sorted(shared("odd/fuzz").rglob("*.dcm")):
        if path.stat().st_size > 1_000_000:
            continue
        try:
            ends.add(str(type(read_radiograph(read_image(path))).__name__))
        except Verdict as verdict:
            ends.add(str(verdict.reason))
    assert {"header-unreadable", "pixels-missing", "pixels-undecodable"} <= ends


def test_a_missing_transfer_syntax_is_found_out_by_looking(tmp_path: Path) -> None:
    path = write(tmp_path, cr(), "film.dcm")
    ds = read_image(path)
    del ds.file_meta.TransferSyntaxUID
    buffer = io.BytesIO()
    ds.save_as(buffer, implicit_vr=False, little_endian=True)
    path.write_bytes(bytes(128) + b"DICM" + buffer.getvalue().split(b"DICM")[-1])
    assert read_radiograph(read_image(path)).sha256 == read_radiograph(cr()).sha256


def test_a_header_alone_leaves_the_pixels_on_the_disk(tmp_path: Path) -> None:
    ds = read_image(write(tmp_path, cr()), header_only=True)
    assert ds.Rows == 64 and "PixelData" not in ds
