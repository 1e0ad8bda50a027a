"""The label shows at the bones, and neither the header nor the image as a whole tells it.

The full form, with a classifier on pairs of persons of one sex, age and size, is
``python -m bench.leakage``.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from bench.bones_seen import at_hip
from bench.classifier import auc, best_auc, predicted
from bench.leakage import KINDS, osteoporosis, pairs
from bench.seen import global_values, header_values, table
from pydicom import Dataset

from engines.exams import Exam
from engines.phantoms import scanning
from engines.phantoms.ct.grid import grid_of
from engines.phantoms.ct.volume import CtVolume
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.slices import Slices
from engines.phantoms.exams import study
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Person
from engines.phantoms.people.population import HIP_CLINIC
from engines.phantoms.xray.exposure import Exam as Taken
from engines.phantoms.xray.films import Order, take

RNG = np.random.default_rng(0)


def with_bones_of(person: Person, other: Person) -> Person:
    """Return the same body with other bones: all that a label is made of."""
    theirs = (
        "bmd_spine_g_cm2",
        "bmd_neck_g_cm2",
        "bmd_hip_g_cm2",
        "t_spine",
        "t_neck",
        "t_hip",
        "trabecular_mg_cm3",
        "cortex",
        "prior_fracture",
        "followed_years",
        "fractured",
        "osteonecroses",
    )
    return replace(person, **{name: getattr(other, name) for name in theirs})


THIN = draw_person(37, replace(HIP_CLINIC, osteonecrosis=1.0))
DENSE = with_bones_of(THIN, draw_person(4, replace(HIP_CLINIC, osteonecrosis=0.0)))


def test_the_two_differ_in_all_that_is_a_label():
    assert THIN.osteoporosis and DENSE.t_lowest > THIN.t_lowest + 2
    assert THIN.osteonecroses and not DENSE.osteonecroses


@pytest.fixture
def _no_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scan nothing: what a header says must not need to know the body's inside."""

    def empty_ct(build, protocol, *_):
        grid = grid_of(build, protocol)
        hu = np.zeros((grid.count, protocol.matrix, protocol.matrix), np.int16)
        return CtVolume(hu, grid.affine, protocol)

    def empty_mri(hips, protocol, *_):
        size, step = protocol.pixel_mm, protocol.step_mm
        values = np.zeros((protocol.slices, 8, 8))
        place = (0.0, -40.0, 60.0)
        return Slices(values, place, (1, 0, 0), (0, 0, -1), (0, step, 0), (size, size), step)

    monkeypatch.setattr(scanning, "ct_volume", empty_ct)
    monkeypatch.setattr(scanning, "bones", lambda *_: {})
    monkeypatch.setattr(scanning, "soft_parts", lambda *_: ())
    monkeypatch.setattr(scanning, "fill", lambda *_: True)
    monkeypatch.setattr(scanning, "mri_series", empty_mri)


def headers(person: Person, exam: Exam) -> Iterator[dict[str, float | str]]:
    images = study(Visit(person, exam, 77))
    yield from (header_values(ds) for ds in islice(images, 30))


@pytest.mark.usefixtures("_no_pixels")
@pytest.mark.parametrize("exam", [Exam.ABDOMEN_CT, Exam.HIP_MRI])
def test_no_header_of_a_scan_hangs_on_the_bones(exam: Exam, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scanning, "_SECOND_KERNEL", 1.0)
    thin, dense = (list(headers(person, exam)) for person in (THIN, DENSE))
    assert len(thin) == 30 and thin == dense
    assert thin != list(headers(draw_person(4, HIP_CLINIC), exam))
