"""The picture of a measured CT: where things are, and what is not left to colour."""

from dataclasses import replace

import ct_reports
import numpy as np
import pytest

from engines.sights import Mark, Section, Views
from workers.ct_picture import ct_picture
from workers.page import HEIGHT, WIDTH
from workers.section import BONE, hang
from workers.sheet import BACKGROUND, Box, Sheet

AMBER_LINE = np.array([244, 178, 76])


def drawn(views=None, **changes):
    report = ct_reports.report(**changes)
    return ct_picture(report, report.outcome, views or report.outcome.views)


@pytest.mark.parametrize("mean", [93.2, 130.0, 172.0])
def test_everything_stays_within_the_sheet(mean):
    sheet = drawn(mean=mean)
    assert (sheet.shape, sheet.dtype) == ((HEIGHT, WIDTH, 3), np.uint8)
    for quiet in (sheet[:, :36], sheet[:, -36:], sheet[-12:], sheet[178:578, 1088:1112]):
        assert (quiet == BACKGROUND).all()


def test_flagged_not_flagged_and_not_judged_differ_without_colour():
    looks = [drawn(), drawn(mean=130.0, ratio=0.95), drawn(findings=())]
    full, hollow, bare = ((look.mean(axis=2)[30:98, 1000:] > 90).mean() for look in looks)
    assert full > 2 * max(hollow, bare)
    assert (looks[1][30:98, 1000:] != looks[2][30:98, 1000:]).any()


def test_a_low_level_has_a_full_chip_and_a_level_set_aside_has_none():
    old = ct_reports.result().views
    marks = tuple(
        replace(mark, value=90.0, band=band)
        for mark, band in zip(old.marks, (0, 1, 2, None), strict=True)
    )
    beside = drawn(replace(old, marks=marks))[178:838, 462:600]
    assert ((beside == AMBER_LINE).all(axis=2)).sum() > 1000
    none_low = tuple(replace(mark, band=2) for mark in marks)
    beside = drawn(replace(old, marks=none_low))[178:838, 462:600]
    assert not (beside == AMBER_LINE).all(axis=2).any()


def test_a_place_of_a_section_is_found_where_it_was_drawn():
    hu = np.full((40, 60), -1000, np.float32)
    hu[10, 45] = 3000
    sheet = Sheet(400, 300)
    hung = hang(sheet, Section(hu, (2.0, 1.0)), Box(50, 20, 300, 260), BONE)
    row, column, _ = np.unravel_index(sheet.pixels()[20:280, 50:350].argmax(), (260, 300, 3))
    x, y = hung.at(10, 45)
    assert abs(column + 0.5 - x) <= 3 and abs(row + 0.5 - y) <= 6


def test_padding_is_black_and_not_bright():
    hu = np.full((40, 60), np.nan, np.float32)
    sheet = Sheet(400, 300)
    hang(sheet, Section(hu, (1.0, 1.0)), Box(50, 20, 300, 260), BONE)
    assert sheet.pixels()[21:279, 51:349].max() == 0


def test_the_region_is_drawn_around_what_was_measured():
    sheet = drawn()[178:578, 640:1084].astype(int)
    inked = np.abs(sheet - AMBER_LINE).sum(axis=2) < 60
    rows, columns = np.nonzero(inked)
    assert inked.sum() > 200
    # centred, for the slice is shown around it, and hollow
    assert abs(rows.mean() - 200) < 4 and abs(columns.mean() - 222) < 4
    assert not inked[190:210, 212:232].any()


def test_many_close_levels_keep_their_labels_apart_and_within():
    old = ct_reports.result().views
    marks = tuple(
        Mark(f"T{n}", (5 + n * 0.01, 28.0), 100.0 + n, 1, "a long note " * 4) for n in range(9)
    )
    assert (drawn(replace(old, marks=marks))[-12:] == BACKGROUND).all()


def test_what_is_not_there_is_said_and_not_drawn():
    old = ct_reports.result().views
    bare = drawn(Views(old.sagittal, ()), measurements=(), findings=())
    assert bare.shape == (HEIGHT, WIDTH, 3)
    tile = bare[178:578, 1116:1560]
    # black but for the words in the middle
    assert (tile[:150] == 0).all() and (tile[180:220] > 100).any()


def test_muscle_is_shaded_on_the_slice_where_there_is_a_mask_of_it():
    old = ct_reports.result().views
    plain = replace(old, muscle=replace(old.muscle, masks={}))
    shaded, grey = (drawn(views)[178:578, 1116:1560].astype(int) for views in (old, plain))
    changed = np.abs(shaded - grey).sum(axis=2) > 30
    assert 0.02 < changed.mean() < 0.9
    assert np.ptp(grey, axis=2).max() == 0
