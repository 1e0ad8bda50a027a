"""The benchmarks still run; what they measure here means nothing."""

import subprocess
import sys
from dataclasses import replace

import films
import pytest
from bench import many_rows, pages, scaling, whole_cases
from bench.ingest import POSTGRESQL, SQLITE
from bench.ingest import measure as measure_ingest
from bench.listener import LOADS, judge, measure, show
from bench.long_ct import as_another_study
from bench.payloads import TINY, make
from bench.receivers import DCMTK, FLOOR, ORTHANC, OURS, STOCK, Receiver, receivers
from bench.turnaround import peaks_mb, quantile_95
from ct_studies import ct_series
from rich.console import Console

from daemon import config
from engines.cases import read_case
from engines.catalog import named
from workers.room import EngineRoom


def test_every_load_reaches_every_receiver_byte_for_byte_and_is_held_against_the_aims(tmp_path):
    with receivers(tmp_path) as running:
        rows = measure(running, [replace(load, objects=8) for load in LOADS], rounds=1)
        assert {one.name for one in running} == {FLOOR, DCMTK, ORTHANC, STOCK, OURS}
        assert all(one.cpu_s() > 0 and one.peak_mb() > 1 for one in running if one.name != FLOOR)
    assert all(row.objects_per_s > 0 for row in rows)
    assert len(rows) == sum(len(load.to) for load in LOADS)
    console = Console(record=True, width=140)
    console.print(show(rows))
    console.print(judge(rows))
    told = console.export_text()
    assert "CT x 8, against C floor" in told and "film x 4, peak memory" in told


def test_a_receiver_that_loses_an_object_is_found_out(dcmtk_storescp, tmp_path):
    receiver = Receiver("looks elsewhere", dcmtk_storescp, tmp_path)
    with pytest.raises(AssertionError, match="did not store all that was sent"):
        receiver.check(make(TINY, 1))


def test_every_page_of_the_site_is_asked_for_and_timed(tmp_path, postgres_server):
    settings = config.Settings(home=tmp_path / "home")
    rows = list(pages.measure(settings, 80, 1, postgres_server))
    assert {name for name, _, _ in rows} == {*pages.PAGES, "by patient ID"}
    assert all(wall_ms > 0 and cpu_ms > 0 for _, wall_ms, cpu_ms in rows)


@pytest.mark.timeout(600)
def test_series_are_shared_among_workers_that_only_wait():
    rows = list(scaling.measure((1, 2), 0.1, 2))
    assert [(row.workers, row.series) for row in rows] == [(1, 2), (2, 4)]
    assert all(row.per_s > 0 and row.cpu_s > 0 for row in rows)
    assert scaling.show(rows, 0.1).row_count == 2


def test_rows_made_by_the_server_are_a_sound_ledger_that_is_asked_for_everything():
    rows = list(many_rows.compare(1_000, 10_000, days=365.0, rounds=1))
    assert {row["instances"] for row in rows} == {1_000, 10_000}
    assert all(row["ms"] > 0 and row["cpu_ms"] > 0 for row in rows)
    asked = {row["what"] for row in rows}
    assert {"sweep", "audit: contradictions", "page: overview"} <= asked
    assert many_rows.show(rows).row_count == len(asked)


def test_the_95th_percentile_is_one_of_the_measured_values():
    assert quantile_95([1.0, 3.0, 2.0]) == 3.0


def test_a_scan_sent_again_is_another_study_of_the_same_slices():
    slices = ct_series("1.2.826.0.7", 1, 4)
    again = list(as_another_study(slices, "2"))
    assert len({ds.SOPInstanceUID for ds in (*slices, *again)}) == 8
    assert [ds.PixelData for ds in again] == [ds.PixelData for ds in slices]
    [study] = {ds.StudyInstanceUID for ds in again}
    assert study != slices[0].StudyInstanceUID


def test_every_process_of_a_running_program_has_a_peak():
    command = [sys.executable, "-c", "print('up', flush=True); input()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as program:
        program.stdout.readline()
        found = peaks_mb(program.pid)
        program.stdin.close()
    assert len(found) == 1 and min(found.values()) > 3


def test_a_small_load_is_taken_in_on_both_databases(tmp_path):
    figures = measure_ingest(tmp_path, objects=120)
    assert [row.database for row in figures] == [SQLITE, POSTGRESQL] * 2
    assert all(row.objects_per_s > 0 for row in figures)


def test_whole_cases_are_held_against_the_engine_alone():
    model, room = named("cxr_osporscreen"), EngineRoom(None, engine_threads=1)
    case = read_case(model.CARD.exam, [films.film(1)])
    rates = whole_cases.measure(model, room, case, whole_cases.Load(2, 4, 4, 2))
    assert len(rates.whole) == len(rates.engine) == 2
    assert 0 < rates.share < 1
