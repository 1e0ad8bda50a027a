"""The label shows at the bones, and neither the header nor the image as a whole tells it.

The full form, with a classifier on pairs of persons of one sex, age and size, is
``python -m bench.leakage``.
"""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from bench.bones_seen import at_hip
from bench.classifier import auc, best_auc, predicted
from bench.leakage import KINDS, osteoporosis, pairs, with_bones_of
from bench.seen import global_values, header_values, table
from bench.unexposed import nothing_imaged
from pydicom import Dataset

from engines.exams import Exam
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.exams import Setting, study
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Person
from engines.phantoms.people.population import HIP_CLINIC
from engines.phantoms.xray.exposure import Exam as Taken
from engines.phantoms.xray.films import Film, Order, take

RNG = np.random.default_rng(0)


THIN = draw_person(8, replace(HIP_CLINIC, osteonecrosis=1.0))
OTHER = draw_person(35, replace(HIP_CLINIC, osteonecrosis=0.0))
DENSE = with_bones_of(THIN, OTHER)


def test_the_two_differ_in_all_that_is_a_label():
    assert THIN.osteoporosis and DENSE.t_lowest > THIN.t_lowest + 2
    assert THIN.osteonecroses and not DENSE.osteonecroses


def headers(person: Person, exam: Exam) -> list[dict[str, float | str]]:
    """Return the first headers of a study."""
    with nothing_imaged():
        images = study(Visit(person, exam, 77), Setting(film_px=64, ct_px=8))
        return [header_values(ds) for ds in islice(images, 30)]


@pytest.mark.parametrize("exam", list(Exam))
def test_no_header_hangs_on_the_bones_but_for_the_tube_load(exam: Exam):
    thin, dense, other = (headers(person, exam) for person in (THIN, DENSE, OTHER))
    assert len(thin) >= 2 and thin == dense
    assert thin != other


@pytest.fixture(scope="module")
def films() -> list[Film]:
    order = Order(Taken.PELVIS, (160, 160))
    return [take(person, 3, order) for person in (THIN, DENSE)]


def test_the_tube_load_hardly_hangs_on_the_bones(films: list[Film]):
    thin, dense = films
    assert thin.exposure == dense.exposure
    assert thin.source_patient_mm == dense.source_patient_mm
    # five SD of density before the sensing fields; doses differ by more between sites
    assert dense.raw.mas == pytest.approx(thin.raw.mas, rel=0.2)


def test_bones_change_where_bones_are_and_the_film_as_a_whole_much_less(films: list[Film]):
    thin, dense = (global_values(film.pixels, (0.0, 1.0)) for film in films)
    # five SD of density: the bones decide what is white, and so how grey the rest is
    for name in ("mean", "SD", "quantile 0.25", "quantile 0.5", "quantile 0.75"):
        assert dense[name] == pytest.approx(thin[name], abs=0.1), name
    thin, dense = (
        at_hip(film, person, "L") for film, person in zip(films, (THIN, DENSE), strict=True)
    )
    assert dense["shaft 75 area"] > 1.2 * thin["shaft 75 area"]
    assert dense["head mean"] > 1.5 * thin["head mean"]


def test_a_pair_is_alike_in_all_but_the_label():
    for sick, well in islice(pairs(KINDS["cxr"]), 40):
        assert osteoporosis(sick) and not osteoporosis(well) and sick.sex == well.sex
        assert abs(sick.age_years - well.age_years) <= 2
        assert abs(sick.weight_kg - well.weight_kg) <= 4


def told(*leaks: float) -> list[dict[str, float | str]]:
    """Return rows of which each second is sick; a leak moves one column by so many SD."""
    rows = RNG.normal(0, 1, (120, 30))
    rows[::2, : len(leaks)] += leaks
    return [
        {f"{i}": float(value) for i, value in enumerate(one)}
        | {"word": str(RNG.choice(["a", "b"]))}
        for one in rows
    ]


def test_the_classifier_finds_a_leak_and_finds_none_where_there_is_none():
    sick = np.arange(120) % 2 == 0
    assert best_auc(table(told())[0], sick).value < 0.65
    assert best_auc(table(told(1.5))[0], sick).value > 0.72


def test_the_classifier_finds_what_no_line_can():
    x, _ = table(told())
    sick = np.abs(x[:, 3]) > 0.7
    line, bent = (auc(predicted(x[:, 2:5], sick, way), sick) for way in (False, True))
    assert line < 0.65 < 0.9 < bent


def test_words_numbers_and_dates_of_a_header_become_columns():
    ds = Dataset()
    ds.KVP, ds.StudyDate, ds.PatientAge, ds.Manufacturer = "120.0", "20200105", "067Y", "A"
    ds.PixelSpacing, ds.PatientName = ["0.2", "0.3"], ""
    known = header_values(ds, "1 ")
    assert known["1 KVP"] == 120.0 and known["1 PixelSpacing.1"] == 0.3
    assert known["1 PatientAge"] == 67.0 and known["1 StudyDate weekday"] == 6.0
    assert known["1 Manufacturer"] == "A" and known["1 PatientName there"] == 0.0
    values, names = table([known, known | {"1 KVP": 100.0, "1 Manufacturer": "B"}])
    assert names == ["1 KVP", "1 Manufacturer = A", "1 Manufacturer = B"]
    assert values.tolist() == [[120.0, 1.0, 0.0], [100.0, 0.0, 1.0]]
