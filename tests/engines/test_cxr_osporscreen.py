"""The chest film score: from phantom to probability, through the weights that ship."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import films
import numpy as np
import pytest
from numpy.typing import NDArray
from radiographs import cr

from engines.anatomy import thorax
from engines.cards import TrainedOn, Weights, read_weights
from engines.cases import Case, read_case
from engines.cxr_osporscreen import model
from engines.cxr_osporscreen.inputs import REGIONS, heat_on_film, prepare
from engines.errors import BadSeries, EngineMismatch, NotEligible, Reason
from engines.exams import Exam
from engines.images import read_radiograph
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.views import View
from engines.phantoms.filming import one_radiograph
from engines.phantoms.people.draw import low_density_person, normal_density_person
from engines.phantoms.people.table import BONES
from engines.runtime import Arrays
from engines.runtime.ort import OrtEngine

WEIGHTS = read_weights("cxr_osporscreen")
ENGINE = OrtEngine(WEIGHTS.folder / WEIGHTS.engines[model.ENGINE][0])
INPUT = partial(prepare, input_size_px=256)


def run(name: str, arrays: Arrays) -> Arrays:
    assert name == model.ENGINE
    return ENGINE(arrays)


def pixels_of(low_density: bool = True) -> NDArray[np.float32]:
    """Return a film as it is read: 384 x 384 pixels, range [0, 1]."""
    seed = films.LOW if low_density else films.NORMAL
    return read_radiograph(films.taken(seed, low_density)).pixels


def case_of(pixels: NDArray[np.float32], bits: int = 12, inverted: bool = False) -> Case:
    """Write pixels as a device of so many bits would."""
    stored = np.rint((1 - pixels if inverted else pixels) * (2**bits - 1)).astype(np.uint16)
    photometric = f"MONOCHROME{1 if inverted else 2}"
    written = cr(stored, BitsStored=bits, HighBit=bits - 1, PhotometricInterpretation=photometric)
    return read_case(Exam.CHEST_XRAY, [written])


@pytest.mark.parametrize(("seed", "low_density"), [(2, True), (6, True), (3, False), (4, False)])
def test_low_density_is_flagged_and_normal_density_is_not(seed: int, low_density: bool) -> None:
    case = read_case(Exam.CHEST_XRAY, [films.taken(seed, low_density)])
    model.eligible(case)
    assert model.screen(case, run, WEIGHTS).flagged is low_density


def test_the_same_body_with_thin_bones_scores_higher() -> None:
    body, other = normal_density_person(films.NORMAL), low_density_person(films.NORMAL)
    thin = replace(body, **{name: getattr(other, name) for name in BONES})
    visit = Visit(thin, Exam.CHEST_XRAY, films.NORMAL)
    changed = read_radiograph(one_radiograph(visit, View.CHEST_PA, (384, 384))).pixels
    films_of = np.stack([INPUT(pixels_of(low_density=False)), INPUT(changed)])
    dense_score, thin_score = ENGINE({model.FILM: films_of})[model.PROBABILITY][:, 0]
    assert thin_score > dense_score + 0.4


def test_a_result_says_what_was_screened_and_how() -> None:
    case = case_of(pixels_of(), inverted=True)
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
    saliency = model.screen(case_of(pixels_of()[:320]), run, WEIGHTS).saliency
    assert saliency is not None and saliency.method == "Grad-CAM"
    assert saliency.heat.dtype == np.float32 and saliency.heat.shape == (213, 256)
    assert saliency.heat.min() >= 0 and 0.5 < saliency.heat.max() <= 1


def test_a_region_sees_only_its_part_and_its_map_stays_there() -> None:
    film = np.random.default_rng(1).random((300, 300), dtype=np.float32)
    top, bottom, left, right = REGIONS["spine"]
    changed = film.copy()
    changed[:, : int(left * 300) - 1] = 1.0
    assert np.array_equal(INPUT(film, region="spine"), INPUT(changed, region="spine"))
    heat = heat_on_film(np.ones((16, 16), dtype=np.float32), film.shape, "spine")
    assert heat[:, : int(left * 256) - 1].max() == 0 and heat[128, 128] == 1
    assert heat[:, int(right * 256) + 2 :].max() == 0 and (top, bottom) == (0.0, 1.0)


def test_a_film_scores_alike_alone_and_in_a_batch() -> None:
    low, normal = (INPUT(pixels_of(low)) for low in (True, False))
    batch = np.stack([low, normal, low[:, :, ::-1], normal[:, :, ::-1]])
    together = ENGINE({model.FILM: batch})
    for i in range(len(batch)):
        alone = ENGINE({model.FILM: batch[i : i + 1]})
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
    pixels = pixels_of(low_density=False)
    cases = [case_of(pixels, *how) for how in ((12, False), (10, True), (16, True))]
    found = [model.screen(case, run, WEIGHTS).findings[0].probability for case in cases]
    assert max(found) - min(found) < 0.02


def test_a_window_that_leaves_black_and_white_does_not_change_the_score() -> None:
    plain, narrow = (case_of(pixels_of(low_density=False)) for _ in range(2))
    narrow.images[0].WindowCenter, narrow.images[0].WindowWidth = "2048", "200"
    scores = [model.screen(c, run, WEIGHTS).findings[0].probability for c in (plain, narrow)]
    assert abs(scores[0] - scores[1]) < 0.05


def test_a_film_smaller_than_the_networks_input_is_not_scored() -> None:
    with pytest.raises(NotEligible, match="too few pixels") as verdict:
        model.screen(case_of(pixels_of()[:, :255]), run, WEIGHTS)
    assert verdict.value.reason is Reason.UNLIKE_EXAM


def test_the_view_in_a_result_is_ours_and_not_the_headers_text() -> None:
    case = case_of(pixels_of())
    case.images[0].ViewPosition = "PA Secret Person"
    assert model.screen(case, run, WEIGHTS).quality["view"] == "PA"


def test_an_earlier_film_is_screened_where_the_last_does_not_decode() -> None:
    early, late = (films.film(1) for _ in range(2))
    late.InstanceNumber = "2"
    late.PixelData = late.PixelData[:1000]
    film = model.screen(read_case(Exam.CHEST_XRAY, [early, late]), run, WEIGHTS).film
    assert film is not None and film.SOPInstanceUID == early.SOPInstanceUID
    with pytest.raises(BadSeries) as verdict:
        model.screen(read_case(Exam.CHEST_XRAY, [late]), run, WEIGHTS)
    assert verdict.value.reason is Reason.PIXELS_UNDECODABLE


def test_a_lateral_film_is_refused_by_its_header_and_on_sight() -> None:
    lateral = films.taken(5, view=View.CHEST_LATERAL)
    with pytest.raises(NotEligible) as verdict:
        model.eligible(read_case(Exam.CHEST_XRAY, [lateral]))
    assert verdict.value.reason is Reason.VIEW_NOT_FRONTAL
    with pytest.raises(NotEligible) as verdict:
        thorax.require_frontal_chest(read_radiograph(lateral))
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
