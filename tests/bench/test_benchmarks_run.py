"""The benchmarks still run; what they measure here means nothing."""

from dataclasses import replace

import pytest
from bench.ingest import POSTGRESQL, SQLITE
from bench.ingest import measure as measure_ingest
from bench.listener import LOADS, judge, measure, show
from bench.payloads import TINY, make
from bench.receivers import DCMTK, FLOOR, ORTHANC, OURS, STOCK, Receiver, receivers
from bench.turnaround import quantile_95
from rich.console import Console


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


def test_the_95th_percentile_is_one_of_the_measured_values():
    assert quantile_95([1.0, 3.0, 2.0]) == 3.0


def test_a_small_load_is_taken_in_on_both_databases(tmp_path):
    figures = measure_ingest(tmp_path, objects=120)
    assert [row.database for row in figures] == [SQLITE, POSTGRESQL] * 2
    assert all(row.objects_per_s > 0 for row in figures)
