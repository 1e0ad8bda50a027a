"""The chest film score: from phantom to probability, through the weights that ship."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.anatomy import thorax
from engines.cards import TrainedOn, Weights, read_weights
from engines.cases import Case, read_case
from engines.cxr_osporscreen import model
from engines.cxr_osporscreen.inputs import REGIONS, heat_on_film, prepare
from engines.errors import BadSeries, EngineMismatch, NotEligible, Reason
from engines.evaluate import auc
from engines.exams import Exam
from engines.images import read_radiograph
from engines.phantoms.chest_dicom import FilmFormat, chest_dicom
from engines.phantoms.cohort import patient_film, seeds_of
from engines.phantoms.film import chest_film
from engines.phantoms.person import (
    ChestPatient,
    draw_patient,
    low_density_patient,
    normal_density_patient,
)
from engines.runtime import Arrays
from engines.runtime.ort import OrtEngine

WEIGHTS = read_weights("cxr_osporscreen")
ENGINE = OrtEngine(WEIGHTS.folder / WEIGHTS.engines[model.ENGINE][0])
Cohort = list[tuple[ChestPatient, NDArray[np.float32]]]
FILM_512 = FilmFormat(shape=(512, 512))
INPUT = partial(prepare, input_size_px=256)


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    """Patients whom neither training nor the threshold has seen."""
    patients = [(seed, draw_patient(seed)) for seed in seeds_of(41, 120)]
    return [(patient, chest_film(patient, seed, (280, 280))) for seed, patient in patients]


def run(name: str, arrays: Arrays) -> Arrays:
    assert name == model.ENGINE
    return ENGINE(arrays)


def case_of(patient: ChestPatient, seed: int, form: FilmFormat | None = None) -> Case:
    return read_case(Exam.CHEST_XRAY, [chest_dicom(patient, seed, form)])


@pytest.mark.parametrize("seed", range(1, 5))
def test_low_density_is_flagged_and_normal_density_is_not(seed: int) -> None:
    form = FilmFormat(shape=(512, 512))
    for patient, flagged in (
        (low_density_patient(seed), True),
        (normal_density_patient(seed), False),
    ):
        case = case_of(patient, seed, form)
        model.eligible(case)
        assert model.screen(case, run, WEIGHTS).flagged is flagged


def test_a_result_says_what_was_screened_and_how() -> None:
    case = case_of(low_density_patient(1), 1, FilmFormat(shape=(400, 480), inverted=True))
    result = model.screen(case, run, WEIGHTS)
    (finding,) = result.findings
    assert (finding.name, finding.site, finding.laterality) == ("osteoporosis", "chest", None)
    assert 0 <= finding.probability <= 1
    assert finding.threshold == WEIGHTS.operating_points["osteoporosis"].threshold
    assert (result.model, result.version) == ("cxr_osporscreen", WEIGHTS.version)
    assert result.film is not None
    assert result.film.SOPInstanceUID == case.images[0].SOPInstanceUID
    assert result.quality == {"view": "PA", "input_size_px": 256, "region": "whole"}


def test_the_map_covers_the_whole_film_and_nothing_else() -> None:
    case = case_of(low_density_patient(1), 1, FilmFormat(shape=(400, 480)))
    saliency = model.screen(case, run, WEIGHTS).saliency
    assert saliency is not None and saliency.method == "Grad-CAM"
    assert saliency.heat.dtype == np.float32 and saliency.heat.shape == (213, 256)
    assert saliency.heat.min() >= 0 and 0.5 < saliency.heat.max() <= 1


def test_a_region_sees_only_its_part_and_its_map_stays_there() -> None:
    film = chest_film(draw_patient(1), 1, (300, 300))
    top, bottom, left, right = REGIONS["spine"]
    changed = film.copy()
    changed[:, : int(left * 300) - 1] = 1.0
    assert np.array_equal(INPUT(film, region="spine"), INPUT(changed, region="spine"))
    heat = heat_on_film(np.ones((16, 16), dtype=np.float32), film.shape, "spine")
    assert heat[:, : int(left * 256) - 1].max() == 0 and heat[128, 128] == 1
    assert heat[:, int(right * 256) + 2 :].max() == 0 and (top, bottom) == (0.0, 1.0)


def test_whole_film_statistics_tell_little_about_density(cohort: Cohort) -> None:
    ill = np.array([patient.osteoporosis for patient, _ in cohort])
    for name, feature in _statistics([film for _, film in cohort]).items():
        found = auc(feature, ill).value
        assert 0.33 < found < 0.67, f"{name} alone has AUC {found:.2f}"


def test_the_network_tells_density_where_whole_film_statistics_cannot(cohort: Cohort) -> None:
    ill = np.array([patient.osteoporosis for patient, _ in cohort])
    films = np.stack([INPUT(film) for _, film in cohort])
    scores = ENGINE({model.FILM: films})[model.PROBABILITY][:, 0].astype(np.float64)
    assert auc(scores, ill).value > 0.85


def test_a_film_scores_alike_alone_and_in_a_batch() -> None:
    films = np.stack([INPUT(patient_film(seed)[1]) for seed in range(5)])
    together = ENGINE({model.FILM: films})
    for i in range(5):
        alone = ENGINE({model.FILM: films[i : i + 1]})
        np.testing.assert_allclose(
            alone[model.PROBABILITY][0], together[model.PROBABILITY][i], atol=1e-5
        )
        np.testing.assert_allclose(
            alone[model.CAM][0], together[model.CAM][i], rtol=1e-3, atol=1e-4
        )


def test_probabilities_stay_in_range_whatever_the_film() -> None:
    noise = np.random.default_rng(0).random((3, 1, 256, 256), dtype=np.float32)
    odd = np.concatenate([noise, np.zeros_like(noise[:1]), np.ones_like(noise[:1])])
    found = ENGINE({model.FILM: odd})
    assert np.isfinite(found[model.PROBABILITY]).all()
    assert found[model.PROBABILITY].min() >= 0 and found[model.PROBABILITY].max() <= 1
    assert found[model.CAM].shape == (5, 16, 16) and found[model.CAM].min() >= 0


def test_the_same_film_scores_alike_however_the_device_wrote_it() -> None:
    patient = draw_patient(11)
    forms = [
        FilmFormat(modality, (512, 512), bits, inverted)
        for modality, bits, inverted in (("DX", 12, False), ("CR", 10, True), ("DX", 16, True))
    ]
    found = [
        model.screen(case_of(patient, 11, form), run, WEIGHTS).findings[0].probability
        for form in forms
    ]
    assert max(found) - min(found) < 0.02


def test_a_window_that_leaves_black_and_white_does_not_change_the_score() -> None:
    plain, narrow = (case_of(normal_density_patient(3), 3, FILM_512) for _ in range(2))
    narrow.images[0].WindowWidth = "200"
    scores = [model.screen(c, run, WEIGHTS).findings[0].probability for c in (plain, narrow)]
    assert abs(scores[0] - scores[1]) < 0.05


def test_a_film_smaller_than_the_networks_input_is_not_scored() -> None:
    small = case_of(low_density_patient(1), 1, FilmFormat(shape=(300, 255)))
    with pytest.raises(NotEligible, match="too few pixels") as verdict:
        model.screen(small, run, WEIGHTS)
    assert verdict.value.reason is Reason.UNLIKE_EXAM


def test_the_view_in_a_result_is_ours_and_not_the_headers_text() -> None:
    case = case_of(low_density_patient(1), 1, FILM_512)
    case.images[0].ViewPosition = "PA Secret Person"
    assert model.screen(case, run, WEIGHTS).quality["view"] == "PA"


def test_an_earlier_film_is_screened_where_the_last_does_not_decode() -> None:
    early, late = (chest_dicom(low_density_patient(1), 1, FILM_512) for _ in range(2))
    late.InstanceNumber, late.SOPInstanceUID = "2", "1.2.3.4"
    late.PixelData = late.PixelData[:1000]
    film = model.screen(read_case(Exam.CHEST_XRAY, [early, late]), run, WEIGHTS).film
    assert film is not None and film.SOPInstanceUID == early.SOPInstanceUID
    with pytest.raises(BadSeries) as verdict:
        model.screen(read_case(Exam.CHEST_XRAY, [late]), run, WEIGHTS)
    assert verdict.value.reason is Reason.PIXELS_UNDECODABLE


def test_a_lateral_film_is_not_eligible() -> None:
    case = case_of(draw_patient(2), 2, FilmFormat(shape=(128, 128), lateral=True))
    with pytest.raises(NotEligible) as verdict:
        model.eligible(case)
    assert verdict.value.reason is Reason.VIEW_NOT_FRONTAL


def test_a_lateral_film_that_claims_to_be_frontal_is_refused_on_sight() -> None:
    ds = chest_dicom(draw_patient(2), 2, FilmFormat(shape=(512, 512), lateral=True))
    with pytest.raises(NotEligible) as verdict:
        thorax.require_frontal_chest(read_radiograph(ds))
    assert verdict.value.reason is Reason.UNLIKE_EXAM


def test_the_weights_say_that_they_saw_simulated_patients_only() -> None:
    assert WEIGHTS.trained_on is TrainedOn.SIMULATED
    assert "simulated patients" in WEIGHTS.training
    assert "simulated patients" in WEIGHTS.operating_points["osteoporosis"].source
    file = WEIGHTS.folder / WEIGHTS.engines[model.ENGINE][0]
    assert file.stat().st_size < 1_500_000
    assert [other.name for other in WEIGHTS.folder.iterdir() if other.suffix == ".data"] == []


def test_a_changed_network_is_refused(tmp_path: Path) -> None:
    own = _copied(WEIGHTS, tmp_path)
    file = own / "model.onnx"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(EngineMismatch, match="sha256"):
        read_weights("cxr_osporscreen", tmp_path)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"not a network")
    with pytest.raises(EngineMismatch, match="loadable"):
        OrtEngine(file)
    with pytest.raises(EngineMismatch):
        OrtEngine(tmp_path / "missing.onnx")


def test_arrays_that_do_not_fit_are_a_failure_with_a_reason() -> None:
    with pytest.raises(BadSeries) as verdict:
        ENGINE({model.FILM: np.zeros((1, 2, 256, 256), dtype=np.float32)})
    assert verdict.value.reason is Reason.ENGINE_FAILED


def test_the_engine_says_what_runs_it() -> None:
    assert ENGINE.description.startswith("ONNX Runtime 1.") and "CPU FP32" in ENGINE.description


def _copied(weights: Weights, root: Path) -> Path:
    folder = root / weights.model
    folder.mkdir()
    for file in weights.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def _statistics(films: list[NDArray[np.float32]]) -> dict[str, NDArray[np.float64]]:
    measures = {
        "mean": [film.mean() for film in films],
        "spread": [film.std() for film in films],
        "size": [film.size for film in films],
    }
    for part in (0.1, 0.25, 0.5, 0.75, 0.9):
        measures[f"quantile {part}"] = [np.quantile(film, part) for film in films]
    return {name: np.asarray(values, dtype=np.float64) for name, values in measures.items()}
