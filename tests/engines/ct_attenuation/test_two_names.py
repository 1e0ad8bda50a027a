"""A patient with thirteen pairs of ribs: each vertebra has both its names, in every output."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import reports
from real_ct import as_series

from engines.cards import read_weights
from engines.cases import read_case
from engines.ct_attenuation import model
from engines.ct_multitask.model import read
from engines.errors import BadSeries, Reason
from engines.exams import Exam
from engines.phantoms.body.build import draw_build
from engines.phantoms.ct.protocol import CtProtocol
from engines.phantoms.ct.volume import ct_volume
from engines.phantoms.people.draw import draw_person
from engines.volume import Volume
from workers import wording
from workers.objects import secondary_capture, structured_report
from workers.report import Report
from workers.seg import segmentation

SITES = ("T12 or L1", "L1 or L2", "L2 or L3", "L3 or L4")
COUNTED = "4 vertebrae between the sacrum and the last rib, not 5"


@pytest.fixture(scope="module")
def scanned() -> SimpleNamespace:
    build = replace(draw_build(draw_person(0), lying=True), arms_raised=True, ribs=13)
    protocol = CtProtocol(matrix=192, slice_thickness_mm=4, spacing_mm=4, top="T11")
    scan = ct_volume(build, protocol, 0, threads=1)
    z, y, x = (float(scan.affine[i, i]) for i in (2, 1, 0))
    first = tuple(float(one) for one in scan.affine[:3, 3])
    series = as_series(Volume(scan.hu.astype(np.float32), (z, y, x), first, ()))
    case = read_case(Exam.ABDOMEN_CT, series)
    result = model.screen(case, lambda name, arrays: {}, read_weights("ct_attenuation"))
    return SimpleNamespace(build=build, case=case, result=result, series=series)


@pytest.fixture(scope="module")
def report(scanned) -> Report:
    image = next(one for one in scanned.series if one.SOPInstanceUID == scanned.result.image)
    return Report(
        source=image,
        card=model.CARD,
        weights=read_weights("ct_attenuation"),
        outcome=scanned.result,
        provenance=reports.made_by(stage="research", runtime="NumPy"),
    )


def test_one_of_its_two_names_is_that_of_the_vertebra_that_was_measured(scanned):
    for mask in scanned.result.masks:
        heights = [
            next(s for s in scanned.series if s.SOPInstanceUID == uid).ImagePositionPatient[2]
            for uid, _ in mask.pixels
        ]
        middles = {
            level: scanned.build.vertebra_centre_mm(level)[2] for level in mask.site.split(" or ")
        }
        assert min(abs(np.mean(heights) - one) for one in middles.values()) < 8, mask.site
    assert tuple(sorted({mask.site for mask in scanned.result.masks})) == tuple(sorted(SITES))


def test_the_vertebra_decides_that_is_l1_or_the_next_best_and_muscle_is_not_guessed(scanned):
    [found] = scanned.result.findings
    assert found.site == "L1 or L2" and "level uncertain" in found.words
    assert scanned.result.quality["muscle"] == f"not measured: level uncertain ({COUNTED})"
    assert not {one.name for one in scanned.result.measurements} & {"skeletal muscle area"}


def test_every_object_and_the_sentence_say_both_names(report, scanned):
    said = str(structured_report(report))
    assert all(f"{site} vertebra" in said for site in SITES)
    assert not re.search(r"'[TL]\d+ vertebra", said)
    sentence = wording.sentence(report)
    assert "L1 or L2: " in sentence and "level uncertain" in sentence and COUNTED in sentence
    segments = segmentation(report, scanned.series).SegmentSequence
    assert {one.SegmentLabel.rpartition(": ")[2] for one in segments} == {*SITES}
    assert secondary_capture(report).Rows


def test_a_model_that_needs_each_vertebra_by_its_name_is_not_asked(scanned):
    with pytest.raises(BadSeries, match=COUNTED) as refused:
        read(scanned.case)
    assert refused.value.reason is Reason.LEVEL_UNCERTAIN
