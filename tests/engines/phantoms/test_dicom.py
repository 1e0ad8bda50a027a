"""Virtual images are correct DICOM of several makers, and their flaws are those asked for."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from programs import find_program
from pydicom import Dataset, dcmread
from pydicom.charset import convert_encodings
from pydicom.pixels import apply_rescale
from pydicom.valuerep import PersonName
from validators import dcentvfy

from engines.cases import Case, read_case, read_clinical
from engines.eligibility import frontal_film, require_patient
from engines.errors import NotEligible, Reason
from engines.exams import Exam, classify
from engines.images import read_radiograph
from engines.phantoms.ct.protocol import Phase
from engines.phantoms.dicom.ct import Scan, ct_series, localizer
from engines.phantoms.dicom.files import file_bytes
from engines.phantoms.dicom.flaws import Flaw
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.makers import MAKERS, Maker
from engines.phantoms.dicom.mr import Contrast, mr_series
from engines.phantoms.dicom.names import CULTURES, Culture, draw_name
from engines.phantoms.dicom.planes import table_shift_mm
from engines.phantoms.dicom.radiograph import Exposed, radiograph
from engines.phantoms.dicom.slices import Slices, axial
from engines.phantoms.dicom.views import WORDS, View
from engines.phantoms.people.person import Person

# by the standard's names; pydicom warns of what flaws write on purpose
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

ROWS, COLUMNS = np.mgrid[0:60, 0:50]
FILM = 0.5 + 0.5 * np.sin(COLUMNS / 9) * np.cos(ROWS / 7)
HU = np.clip(np.random.default_rng(0).normal(40, 300, (11, 40, 50)), -1000, 1500)
SLICES = axial(HU, np.array([-20.0, -16.0, -12.0]), (3.0, 0.8, 0.8))
HIPS = Slices(np.abs(HU), (-80.0, 10.0, 90.0), (1, 0, 0), (0, 0, -1), (0, 4.0, 0), (0.7, 0.7), 3.5)
VENOUS = Scan(120.0, 140.0, Phase.PORTAL_VENOUS)


def person(seed: int = 7, sex: str = "F") -> Person:
    return Person(
        seed=seed,
        sex=sex,
        age_years=67,
        height_m=1.57,
        weight_kg=58.4,
        bmd_spine_g_cm2=0.8,
        bmd_neck_g_cm2=0.6,
        bmd_hip_g_cm2=0.7,
        t_spine=-2.6,
        t_neck=-2.1,
        t_hip=-1.9,
        trabecular_mg_cm3=90.0,
        cortex=0.8,
        muscle_area_cm2=100.0,
        muscle_fat=0.1,
        prior_fracture=False,
        smoking=False,
        glucocorticoids=False,
        vertebral_fractures=(),
        followed_years=4.0,
        fractured=False,
        osteonecroses=(),
        visits_years=(0.0, 1.1, 2.3),
    )


def film(*flaws: Flaw, seed: int = 7, view: View = View.CHEST_PA, maker: int = 1) -> Dataset:
    visit = Visit(person(seed), WORDS[view].exam, seed, flaws=frozenset(flaws), maker=MAKERS[maker])
    return radiograph(visit, Exposed(FILM, 0.2, view, 120.0, 2.4))


def ct(*flaws: Flaw, seed: int = 7, maker: int = 0) -> list[Dataset]:
    visit = Visit(person(seed), Exam.ABDOMEN_CT, seed, flaws=frozenset(flaws), maker=MAKERS[maker])
    return list(ct_series(visit, SLICES, VENOUS))


def everything_of(maker: Maker, *flaws: Flaw) -> Iterator[Dataset]:
    """One image of each kind."""
    for view in View:
        visit = Visit(person(), WORDS[view].exam, 3, flaws=frozenset(flaws), maker=maker)
        yield radiograph(visit, Exposed(FILM, 0.2, view, 120.0, 2.4))
    scanned = Visit(person(), Exam.ABDOMEN_CT, 3, flaws=frozenset(flaws), maker=maker)
    yield localizer(scanned, SLICES, VENOUS)
    for number, phase in enumerate(Phase, start=2):
        kernel = "bone" if phase is Phase.NONE else "soft"
        yield next(ct_series(scanned, SLICES, Scan(100.0, 90.0, phase, kernel), number))
    for number, contrast in enumerate(Contrast):
        visit = Visit(person(), Exam.HIP_MRI, 3, number, frozenset(flaws), maker)
        yield next(mr_series(visit, HIPS, contrast))


def admitted(case: Case) -> Dataset:
    """Return the film that is screened."""
    require_patient(case)
    return frontal_film(case)


def errors_of(ds: Dataset, file: Path) -> list[str]:
    file.write_bytes(file_bytes(ds))
    said = subprocess.run(
        [find_program("dciodvfy"), "-new", file], capture_output=True, check=False
    )
    lines = (said.stdout + said.stderr).decode(errors="replace").splitlines()
    return [line for line in lines if "Error" in line]


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.name)
def test_dciodvfy_finds_no_error_in_any_image_of_any_maker(maker: Maker, tmp_path: Path) -> None:
    found = {
        f"{ds.Modality} {ds.SeriesDescription}": errors_of(ds, tmp_path / "image.dcm")
        for ds in everything_of(maker)
    }
    assert len(found) >= 10 and not any(found.values()), found


@pytest.mark.parametrize("maker", MAKERS[:2], ids=lambda maker: maker.name)
def test_dcentvfy_finds_one_patient_and_whole_studies(maker: Maker, tmp_path: Path) -> None:
    scanned = Visit(person(), Exam.ABDOMEN_CT, 3, maker=maker)
    images = [*everything_of(maker), *ct_series(scanned, SLICES, replace(VENOUS, kernel="bone"), 6)]
    paths = [tmp_path / f"{number}.dcm" for number in range(len(images))]
    for path, ds in zip(paths, images, strict=True):
        path.write_bytes(file_bytes(ds))
    assert dcentvfy(paths) == []


@pytest.mark.parametrize("flaw", sorted(set(Flaw) - {Flaw.AGE_MALFORMED, Flaw.WRONG_CHARSET}))
def test_a_flaw_of_content_is_no_error_of_form(flaw: Flaw, tmp_path: Path) -> None:
    for ds in (film(flaw), ct(flaw)[0]):
        assert errors_of(ds, tmp_path / "image.dcm") == []


def test_every_image_says_that_nobody_was_imaged() -> None:
    for ds in everything_of(MAKERS[2]):
        assert "no person was imaged" in ds.PatientComments
        assert ds.PatientID.startswith("PHANTOM-")


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.name)
def test_our_own_readers_take_every_image_for_what_it_is(maker: Maker) -> None:
    exams = [classify([ds]) for ds in everything_of(maker)]
    assert (
        exams
        == [Exam.CHEST_XRAY] * 3 + [Exam.HIP_XRAY] * 3 + [Exam.ABDOMEN_CT] * 5 + [Exam.HIP_MRI] * 2
    )


@pytest.mark.parametrize("maker", range(len(MAKERS)))
@pytest.mark.parametrize("view", [View.CHEST_PA, View.PELVIS])
def test_a_film_is_shown_as_it_was_given(maker: int, view: View) -> None:
    read = read_radiograph(film(view=view, maker=maker))
    steps = 2 ** min(MAKERS[maker].film.bits) - 1
    # a sigmoid leaves out the last hundredth at either end
    least = 0.011 if MAKERS[maker].film.shown_by == "SIGMOID" else 2.5 / steps + 1e-3
    assert np.quantile(np.abs(read.pixels - FILM), 0.99) < least
    assert read.spacing_mm == pytest.approx(0.2)


@pytest.mark.parametrize("maker", range(len(MAKERS)))
def test_a_frontal_chest_film_of_any_maker_may_be_screened(maker: int) -> None:
    case = read_case(Exam.CHEST_XRAY, [film(maker=maker)])
    assert admitted(case) is case.images[0]
    assert (case.clinical.sex, case.clinical.height_m) == ("F", 1.57)


def test_a_lateral_is_refused_as_lateral() -> None:
    with pytest.raises(NotEligible) as refused:
        frontal_film(read_case(Exam.CHEST_XRAY, [film(view=View.CHEST_LATERAL)]))
    assert refused.value.reason is Reason.VIEW_NOT_FRONTAL


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        (Flaw.AGE_MISSING, Reason.AGE_MISSING),
        (Flaw.AGE_MALFORMED, Reason.AGE_MISSING),
        (Flaw.AGE_CONTRADICTORY, Reason.AGE_CONTRADICTORY),
        (Flaw.DERIVED, Reason.SCREENSHOT),
        (Flaw.WRONG_BODY_PART, Reason.BODY_PART_MISMATCH),
    ],
)
@pytest.mark.parametrize("maker", [1, 3])
def test_a_film_with_a_flaw_that_matters_is_refused_for_it(
    flaw: Flaw, reason: Reason, maker: int
) -> None:
    case = read_case(Exam.CHEST_XRAY, [film(flaw, maker=maker)])
    with pytest.raises(NotEligible) as refused:
        admitted(case)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "flaw",
    [
        Flaw.SIZE_MISSING,
        Flaw.SIZE_IN_CM,
        Flaw.LOSSLESS,
        Flaw.LOSSY,
        Flaw.ONCE_LOSSY,
        Flaw.WRONG_SIDE,
        Flaw.WRONG_CHARSET,
    ],
)
@pytest.mark.parametrize("maker", [0, 3])
def test_a_film_with_a_flaw_that_does_not_matter_is_screened(flaw: Flaw, maker: int) -> None:
    case = read_case(Exam.CHEST_XRAY, [dcmread(BytesIO(file_bytes(film(flaw, maker=maker))))])
    read = read_radiograph(admitted(case))
    shown = FILM[:, ::-1] if flaw is Flaw.WRONG_SIDE else FILM
    assert np.corrcoef(read.pixels.ravel(), shown.ravel())[0, 1] > 0.99
    if flaw in (Flaw.SIZE_MISSING, Flaw.SIZE_IN_CM):
        assert case.clinical.height_m is None


def test_compressed_without_loss_keeps_every_pixel_and_with_loss_does_not() -> None:
    plain, lossless, lossy = film(), film(Flaw.LOSSLESS), film(Flaw.LOSSY)
    assert np.array_equal(plain.pixel_array, lossless.pixel_array)
    assert not np.array_equal(plain.pixel_array, lossy.pixel_array)
    assert (lossless.LossyImageCompression, lossy.LossyImageCompression) == ("00", "01")


def test_a_wrong_side_names_the_other_hip() -> None:
    assert film(view=View.HIP_LEFT).ImageLaterality == "L"
    assert film(Flaw.WRONG_SIDE, view=View.HIP_LEFT).ImageLaterality == "R"
    assert film(Flaw.WRONG_SIDE, view=View.HIP_RIGHT, maker=3).Laterality == "L"


@pytest.mark.parametrize("maker", range(len(MAKERS)))
def test_ct_values_and_places_read_back_exactly(maker: int) -> None:
    images = ct(maker=maker)
    shift = table_shift_mm(Visit(person(), Exam.ABDOMEN_CT, 7))
    for ds in images:
        position = np.array(ds.ImagePositionPatient, float) - shift
        index = round((position[2] + 12.0) / 3.0)
        np.testing.assert_allclose(position, [-20.0, -16.0, -12.0 + 3 * index], atol=1e-6)
        found = apply_rescale(ds.pixel_array, ds)
        inside = slice(10, 30), slice(12, 38)
        assert np.array_equal(found[inside], np.rint(HU[index])[inside])
    order = np.diff([float(ds.ImagePositionPatient[2]) for ds in images])
    assert np.all(order < 0) if MAKERS[maker].ct.from_head else np.all(order > 0)


def test_outside_the_circle_is_padding_where_the_maker_pads() -> None:
    [ds, *_] = ct(maker=0)
    assert apply_rescale(ds.pixel_array, ds)[0, 0] == -3024
    assert ds.PixelPaddingValue == -2000 and "PixelPaddingValue" not in ct(maker=1)[0]


def test_flaws_of_a_stack_are_in_the_stack_and_nowhere_else() -> None:
    def heights(*flaws: Flaw) -> list[float]:
        return [float(ds.ImagePositionPatient[2]) for ds in ct(*flaws)]

    whole = heights()
    assert len(set(whole)) == len(whole) == 11
    assert heights(Flaw.NEGATIVE_SLICE_ORDER) == whole[::-1]
    twice = heights(Flaw.DUPLICATE_SLICES)
    assert len(twice) == 12 and set(twice) == set(whole)
    missing = heights(Flaw.MISSING_SLICE)
    assert len(missing) == 10 and np.ptp(np.diff(missing)) == pytest.approx(3.0)
    uids = {ds.SOPInstanceUID for ds in ct(Flaw.DUPLICATE_SLICES)}
    assert len(uids) == 12


def test_a_stack_at_the_wrong_side_is_mirrored_under_an_unchanged_plane() -> None:
    right, wrong = (
        [
            *ct(*flaws)[:2],
            next(mr_series(Visit(person(), Exam.HIP_MRI, 4, 0, flaws), HIPS, Contrast.STIR)),
            localizer(Visit(person(), Exam.ABDOMEN_CT, 4, 0, flaws), SLICES, VENOUS),
        ]
        for flaws in (frozenset(), frozenset({Flaw.WRONG_SIDE}))
    )
    for true, false in zip(right, wrong, strict=True):
        inner = np.s_[12:-12, 12:-12]
        assert np.array_equal(true.pixel_array[inner], false.pixel_array[:, ::-1][inner])
        assert not np.array_equal(true.pixel_array, false.pixel_array)
        assert true.ImageOrientationPatient == false.ImageOrientationPatient
        assert true.ImagePositionPatient == false.ImagePositionPatient


def test_a_tilted_gantry_moves_voxels_and_not_the_body() -> None:
    z, y, _ = np.mgrid[0:21, 0:40, 0:50].astype(float)
    ramp = axial(2 * z * 3.0 + 5 * y * 0.8, np.array([-20.0, -16.0, -30.0]), (3.0, 0.8, 0.8))
    visit = Visit(
        person(), Exam.ABDOMEN_CT, 5, flaws=frozenset({Flaw.GANTRY_TILT}), maker=MAKERS[1]
    )
    images = list(ct_series(visit, ramp, VENOUS))
    ds = images[len(images) // 2]
    assert float(ds.GantryDetectorTilt) == 12.0
    found = apply_rescale(ds.pixel_array, ds)
    down = np.array(ds.ImageOrientationPatient[3:], float)
    corner = np.array(ds.ImagePositionPatient, float) - table_shift_mm(visit)
    for row in (3, 20, 36):
        _, at_y, at_z = corner + down * row * 0.8
        assert found[row, 25] == pytest.approx(2 * (at_z + 30) + 5 * (at_y + 16), abs=0.51)
    step = np.diff([np.array(one.ImagePositionPatient, float) for one in images], axis=0)
    assert np.allclose(step[:, :2], 0) and np.allclose(np.abs(step[:, 2]), 3.0)


def test_all_series_of_a_ct_share_one_frame_and_the_localizer_lies_across() -> None:
    visit = Visit(person(), Exam.ABDOMEN_CT, 2)
    scout = localizer(visit, SLICES, VENOUS)
    [soft, *_] = ct_series(visit, SLICES, VENOUS)
    [bone, *_] = ct_series(visit, SLICES, replace(VENOUS, kernel="bone"), 3)
    assert len({ds.FrameOfReferenceUID for ds in (scout, soft, bone)}) == 1
    assert len({ds.SeriesInstanceUID for ds in (scout, soft, bone)}) == 3
    assert soft.ConvolutionKernel != bone.ConvolutionKernel
    assert scout.ImageType[2] == "LOCALIZER" and scout.Rows == 38
    assert "ContrastBolusAgent" in soft and "ContrastBolusAgent" not in scout


def test_an_mr_series_tells_its_contrast_and_its_visit() -> None:
    first, later = (
        [next(mr_series(Visit(person(), Exam.HIP_MRI, 4, visit), HIPS, one)) for one in Contrast]
        for visit in (0, 2)
    )
    assert "InversionTime" not in first[0] and float(first[1].InversionTime) >= 150
    assert first[0].ScanningSequence == "SE" and list(first[1].ScanningSequence) == ["SE", "IR"]
    assert first[0].StudyInstanceUID == first[1].StudyInstanceUID != later[0].StudyInstanceUID
    days = (_date(later[0].StudyDate) - _date(first[0].StudyDate)).days
    assert days == pytest.approx(2.3 * 365.2425, abs=1)


def _date(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


@pytest.mark.parametrize("seed", range(0, 400, 29))
def test_age_birth_date_and_person_agree_at_every_visit(seed: int) -> None:
    someone = person(seed)
    born = {Visit(someone, exam, seed + 1).dates[0] for exam in Exam}
    assert len(born) == 1
    for exam in Exam:
        birthday, studied = Visit(someone, exam, seed + 1).dates
        had = (studied.month, studied.day) >= (birthday.month, birthday.day)
        assert studied.year - birthday.year - (not had) == someone.age_years
    clinical = read_clinical(
        [next(mr_series(Visit(someone, Exam.HIP_MRI, 1, 2), HIPS, Contrast.T1))]
    )
    assert not clinical.doubts and 69 <= (clinical.age_years or 0) <= 70.3


def test_patients_of_different_seeds_share_no_uid() -> None:
    seen: list[set[str]] = []
    for seed in range(3):
        visits = [
            Visit(person(seed), Exam.ABDOMEN_CT, seed),
            Visit(person(seed), Exam.HIP_MRI, seed),
        ]
        images = [*ct_series(visits[0], SLICES, VENOUS), *mr_series(visits[1], HIPS, Contrast.T1)]
        seen.append(
            {
                value
                for ds in images
                for value in (ds.SOPInstanceUID, ds.SeriesInstanceUID, ds.StudyInstanceUID)
            }
            | {ds.FrameOfReferenceUID for ds in images}
        )
    assert not seen[0] & seen[1] and not seen[1] & seen[2] and not seen[0] & seen[2]
    assert all(re.fullmatch(r"2\.25\.[1-9]\d{20,38}", uid) for uids in seen for uid in uids)


def test_an_image_with_a_flaw_is_another_image() -> None:
    assert film().SOPInstanceUID != film(Flaw.AGE_MISSING).SOPInstanceUID
    assert film().StudyInstanceUID != film(Flaw.AGE_MISSING).StudyInstanceUID


def test_the_header_does_not_change_with_the_bones() -> None:
    def header(t_spine: float) -> str:
        visit = Visit(replace(person(), t_spine=t_spine, cortex=1.1), Exam.CHEST_XRAY, 1)
        return str(radiograph(visit, Exposed(FILM, 0.2, View.CHEST_PA, 120.0, 2.4)))

    assert header(-4.0) == header(1.0)


def test_another_process_writes_the_same_bytes() -> None:
    code = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]); import test_dicom as t;"
        "print(hashlib.sha256(b''.join(t.file_bytes(d) for m in t.MAKERS"
        " for d in t.everything_of(m))).hexdigest())"
    )
    tests = Path(__file__).parent
    other = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(tests.parents[1])!r});{code}",
            tests,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    here = b"".join(file_bytes(ds) for maker in MAKERS for ds in everything_of(maker))
    assert other.stdout.strip() == hashlib.sha256(here).hexdigest()


def in_culture(culture: Culture, sex: str) -> Dataset:
    """Return the first image of a patient from there."""
    seed = next(s for s in range(1000) if draw_name(s, sex).culture is culture)
    return radiograph(
        Visit(person(seed, sex), Exam.CHEST_XRAY, seed),
        Exposed(FILM, 0.2, View.CHEST_PA, 120.0, 2.4),
    )


@pytest.mark.parametrize("country", CULTURES)
@pytest.mark.parametrize("sex", ["F", "M"])
def test_names_decode_in_pydicom_and_in_dcmtk(country: str, sex: str, tmp_path: Path) -> None:
    culture = CULTURES[country]
    ds = in_culture(culture, sex)
    file = tmp_path / "image.dcm"
    assert errors_of(ds, file) == []
    wanted = draw_name(int(ds.PatientID.removeprefix("PHANTOM-")), sex).text
    read = dcmread(file)
    assert str(read.PatientName) == wanted and read.InstitutionName == culture.hospital
    # DCMTK with the C library's iconv converts no Japanese, but shows the bytes as they are
    japanese = "ISO 2022 IR 87" in culture.charset
    command = [find_program("dcmdump"), *([] if japanese else ["+U8"]), "+L"]
    shown = subprocess.run(
        [*command, "+P", "PatientName", "+P", "InstitutionName", file],
        capture_output=True,
        check=True,
    )
    said = shown.stdout.decode("iso2022_jp" if japanese else "utf-8")
    assert f"[{wanted}]" in said and f"[{culture.hospital}]" in said


@pytest.mark.parametrize("country", CULTURES)
def test_no_name_is_longer_than_a_reader_takes(country: str) -> None:
    culture = CULTURES[country]
    encodings = convert_encodings(list(culture.charset) or ["ISO_IR 6"])
    for family, given in product(culture.families, (*culture.women, *culture.men)):
        pairs = zip(family.split("="), given.split("="), strict=True)
        name = "=".join("^".join(pair) for pair in pairs)
        assert len(PersonName(name, encodings).encode(encodings)) <= 64


def test_misdeclared_text_reads_as_it_does_in_real_archives() -> None:
    culture = CULTURES["korean"]
    seed = next(s for s in range(1000) if draw_name(s, "F").culture is culture)
    ds = dcmread(BytesIO(file_bytes(film(Flaw.WRONG_CHARSET, seed=seed))))
    raw = str(ds.PatientName).encode("latin-1")
    assert ds.SpecificCharacterSet == "ISO_IR 100" and raw.decode() == draw_name(seed, "F").text


def test_pixels_of_an_image_are_ours_to_keep() -> None:
    given = np.array(FILM)
    kept: NDArray[np.float64] = given.copy()
    for maker in MAKERS:
        radiograph(
            Visit(person(), Exam.CHEST_XRAY, 1, maker=maker),
            Exposed(given, 0.2, View.CHEST_PA, 120.0, 2.4),
        )
    assert np.array_equal(given, kept)
