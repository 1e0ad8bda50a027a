"""The proofs' commands still run, and would find what they look for."""

import json
from dataclasses import replace

import numpy as np
from bench.leakage import KINDS, headers_alone, image, judge
from bench.real_images import Picture
from bench.samebytes import show
from bench.sheets import GAP_PX, TILE_PX, sheet
from bench.studies import judged, written
from bench.unexposed import nothing_imaged
from pydicom import dcmread
from rich.console import Console

from engines.exams import Exam
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.exams import Setting
from engines.phantoms.people.draw import draw_person


def test_a_cohort_cut_short_goes_on_where_it_ended_and_a_leak_is_found(tmp_path):
    seen = []

    def measure(visit):
        seen.append(visit.seed)
        # the scanner of this site is never used for the sick
        leak = float(visit.person.osteoporosis) + 0.2 * np.random.default_rng(visit.seed).normal()
        return {"KVP": leak}, {"mean": 1.0, "rows": visit.seed % 7}, {"L1": leak}

    kind = replace(KINDS["cxr"], measure=measure)
    image(kind, tmp_path, 20)
    rows = image(kind, tmp_path, 30)
    assert len(rows) == len(set(seen)) == len(seen) == 60
    assert [one["sick"] for one in rows] == [True, False] * 30
    console = Console(record=True, width=80)
    console.print(judge(json.loads(json.dumps(rows))))
    header = next(line for line in console.export_text().splitlines() if "│ header  " in line)
    assert "1.00" in header


def test_headers_without_pictures_are_asked():
    assert headers_alone(KINDS["hip"], 12).startswith("24 headers")


def test_other_bytes_are_told(tmp_path):
    console = Console(record=True, width=80)
    console.print(
        show({"here": {"ct 1": "aa", "ct 2": "bb"}, "there": {"ct 1": "aa", "ct 2": "cc"}})
    )
    first, second = (line for line in console.export_text().splitlines() if "ct " in line)
    assert "same" in first and "DIFFER" in second


def test_the_judges_see_each_file(tmp_path):
    visit = Visit(draw_person(4), Exam.CHEST_XRAY, 4)
    with nothing_imaged():
        paths = written(visit, Setting(film_px=64), tmp_path)
    assert judged(paths).errors == [] and judged(paths).files == 2
    ds = dcmread(paths[1])
    del ds.StudyDate
    ds.save_as(paths[1])
    assert any("StudyDate" in line for line in judged(paths).errors)


def test_a_sheet_shows_every_picture_in_its_place():
    grey = [np.full((40, 20), level) for level in (0.3, 0.5, 1.0)]
    whole = np.asarray(sheet([Picture(one, "a") for one in grey], [Picture(grey[2], "b")]))
    step, middle = TILE_PX + GAP_PX, TILE_PX // 2
    row = whole[middle]
    assert [round(row[i * step + middle] / 255, 1) for i in range(3)] == [0.3, 0.5, 1.0]
    assert whole[whole.shape[0] // 2 + middle, middle] == 255
